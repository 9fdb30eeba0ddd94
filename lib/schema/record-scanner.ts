import { limits } from '../limits.ts';
import type { DatasetSchema } from './dataset-schema.ts';
import { boxedField } from './plain-object.ts';
import { keyFieldsOf, targetsOf } from './record-check.ts';
import { ScannedRecord, type ScannedText, wordMin } from './scanned-record.ts';
import type { FieldKind, Schema } from './schema.ts';

/** Of values and records: not what this scanner knows. */
const failed = -3;
/** Words of the tape. */
const absent = -2;
const nullWord = -1;

/** Of records in records. */
const depthMax = 16;
/** Entries of a map: each key is compared with all before it. */
const mapSizeMax = 64;
/** So many digits are exact in a double, and so is their division by a power of ten: the nearest double, as JSON.parse has it. */
const digitsMax = 15;
const intMax = 2_147_483_647;
/** Bytes of a {@link ScannedText}; longer texts have one of their own. */
const textSize = 32_768;
/** Words that there is room for beside one a byte: of fields that are absent. */
const wordsMin = 1024;

const tens = Array.from({ length: digitsMax + 1 }, (_, i) => 10 ** i);
const encoder = new TextEncoder();
const [nullText, trueText, falseText] = [
  encoder.encode('null'),
  encoder.encode('true'),
  encoder.encode('false'),
];

/** What is worked out once for each type. */
interface TypeScan {
  readonly kind: Schema['kind'];
  /** Of an OBJECT: its fields' names as an object in JSON has them, with the colon. */
  readonly names: readonly Uint8Array[];
  readonly kinds: readonly FieldKind[];
  /** Of an OBJECT: per field, the type it refers to; of a collection: elements, or keys and values. */
  readonly targets: readonly (TypeScan | null)[];
  /** Of an OBJECT: the fields that are its primary key; null: the key leads through references. */
  readonly keyFields: readonly number[] | null;
  /** Kind of the field whose bare value may stand for the record. */
  readonly boxKind: FieldKind | null;
  /** The fields in the order in which the last object had them. */
  readonly order: number[];
}

/**
 * Checks records in the text of JSON, and notes where their values are, without making objects: a third of what it takes to
 * parse and validate them. It knows the plain forms only: ASCII without escapes and without white space, numbers without
 * exponent, no BYTES, boxes by their bare value, maps as objects. Of everything else, be it right or wrong, it says that it
 * does not know it, and then `JSON.parse` and `validateRecord` have the word. What it knows they would accept, and see the same
 * in it. (Guarded by test/property/scanned-records.test.ts, and the write path of test/bench.)
 */
export class RecordScanner {
  readonly #schema: DatasetSchema;
  readonly #types: ReadonlyMap<string, TypeScan>;
  #text: ScannedText = { bytes: new Uint8Array(0), tape: new Int32Array(0), numbers: new Float64Array(0) };
  /** How far the text is filled with what records were made of. */
  #kept = { bytes: 0, tape: 0, numbers: 0 };
  /** How far it is filled. */
  #tapeEnd = 0;
  #numbersEnd = 0;
  /** Of the text that is open: where it starts and ends, and how far it was read. */
  #start = 0;
  #end = 0;
  #position = 0;
  /** Words of the collections that are being read. */
  readonly #words: number[] = [];

  constructor(schema: DatasetSchema) {
    this.#schema = schema;
    // As in RecordCheck: of a schema that is not whole, keys may lead nowhere.
    this.#types = schema.leftOut.length > 0 ? new Map() : scansOf(schema);
  }

  /** False: it is not ASCII. What was read of the text before is forgotten unless it was {@link keep}t. */
  open(text: string): boolean {
    this.#makeRoom(text.length);
    const { bytes } = this.#text;
    this.#tapeEnd = this.#kept.tape;
    this.#numbersEnd = this.#kept.numbers;
    this.#words.length = 0;
    this.#start = this.#kept.bytes;
    this.#position = this.#start;
    this.#end = this.#start + text.length;
    // Every other character takes more bytes than units, and then not all fit.
    const { read } = encoder.encodeInto(text, bytes.subarray(this.#start, this.#end));
    // Nothing that is read goes on behind it.
    bytes[this.#end] = 0;
    return read === text.length;
  }

  /** Records that were read from the text are going to be used. */
  keep(): void {
    this.#kept = { bytes: this.#end, tape: this.#tapeEnd, numbers: this.#numbersEnd };
  }

  /** How much of the text was read. */
  get position(): number {
    return this.#position - this.#start;
  }

  get isAtEnd(): boolean {
    return this.#position === this.#end;
  }

  /** Reads these bytes, if they come next. */
  accept(bytes: Uint8Array): boolean {
    if (!this.#isNext(bytes)) return false;
    this.#position += bytes.length;
    return true;
  }

  /** Reads a record; null: it is not one that is known to be right. */
  record(type: string): ScannedRecord | null {
    const scan = this.#types.get(type);
    if (scan === undefined || scan.kind !== 'OBJECT' || !this.#isByte(0x7b)) return null;
    const start = this.#position;
    const at = this.#object(scan, 0);
    const hasRoom = this.#tapeEnd <= this.#text.tape.length && this.#numbersEnd <= this.#text.numbers.length;
    if (at === failed || !hasRoom) return null;
    return new ScannedRecord(this.#schema, this.#text, at, [start, this.#position]);
  }

  /** What takes more room than most texts do is not known. */
  #makeRoom(length: number): void {
    const { bytes, tape, numbers } = this.#text;
    const [words, count] = [length + wordsMin, length / 2];
    const hasRoom =
      this.#kept.bytes + length < bytes.length &&
      this.#kept.tape + words <= tape.length &&
      this.#kept.numbers + count <= numbers.length;
    if (hasRoom) return;
    const size = Math.max(textSize, length + 1);
    this.#text = {
      bytes: new Uint8Array(size),
      tape: new Int32Array(Math.max(Math.ceil(size / 2), words)),
      numbers: new Float64Array(Math.ceil(Math.max(size / 16, count))),
    };
    this.#kept = { bytes: 0, tape: 0, numbers: 0 };
  }

  #object(type: TypeScan, depth: number): number {
    const { names, order, keyFields } = type;
    const { bytes, tape } = this.#text;
    if (keyFields === null || depth > depthMax) return failed;
    const at = this.#tapeEnd;
    this.#tapeEnd += names.length;
    for (let field = 0; field < names.length; field++) tape[at + field] = absent;
    this.#position++;
    if (this.#isByte(0x7d)) this.#position++;
    else
      for (let k = 0; ; k++) {
        const field = this.#fieldName(names, order, k);
        // Of a name that is there twice the last value counts.
        if (field < 0 || tape[at + field] !== absent) return failed;
        const word = this.#field(type, field, depth);
        if (word === failed) return failed;
        tape[at + field] = word;
        const byte = bytes[this.#position++];
        if (byte === 0x7d) break;
        if (byte !== 0x2c) return failed;
      }
    for (let i = 0; i < keyFields.length; i++)
      if ((tape[at + (keyFields[i] as number)] as number) < wordMin) return failed;
    return at;
  }

  /** Which field's name comes next. */
  #fieldName(names: readonly Uint8Array[], order: number[], k: number): number {
    let field = k < order.length ? (order[k] as number) : -1;
    if (field < 0 || !this.#isNext(names[field] as Uint8Array)) {
      field = names.findIndex((name) => this.#isNext(name));
      if (field < 0) return -1;
      if (k <= order.length) order[k] = field;
    }
    this.#position += (names[field] as Uint8Array).length;
    return field;
  }

  #field({ kinds, targets }: TypeScan, field: number, depth: number): number {
    if (this.#isByte(0x6e)) return this.accept(nullText) ? nullWord : failed;
    const target = targets[field] as TypeScan | null;
    return target === null ? this.#value(kinds[field] as FieldKind) : this.#reference(target, depth);
  }

  #reference(target: TypeScan, depth: number): number {
    if (target.boxKind !== null) return this.#value(target.boxKind);
    switch (target.kind) {
      case 'OBJECT':
        return this.#isByte(0x7b) ? this.#object(target, depth + 1) : failed;
      case 'MAP':
        return this.#isByte(0x7b) ? this.#map(target, depth + 1) : failed;
      default:
        return this.#isByte(0x5b) ? this.#elements(target, depth + 1) : failed;
    }
  }

  #elements({ targets }: TypeScan, depth: number): number {
    const target = targets[0] as TypeScan;
    const first = this.#words.length;
    if (depth > depthMax) return failed;
    this.#position++;
    if (this.#isByte(0x5d)) this.#position++;
    else
      for (;;) {
        const word = this.#reference(target, depth);
        if (word === failed) return failed;
        this.#words.push(word);
        const byte = this.#text.bytes[this.#position++];
        if (byte === 0x5d) break;
        if (byte !== 0x2c) return failed;
      }
    return this.#collection(first, this.#words.length - first);
  }

  #map({ targets }: TypeScan, depth: number): number {
    const [keys, target] = targets as readonly [TypeScan, TypeScan];
    const words = this.#words;
    const first = words.length;
    if (keys.boxKind !== 'STRING' || depth > depthMax) return failed;
    this.#position++;
    if (this.#isByte(0x7d)) this.#position++;
    else
      for (;;) {
        const key = this.#value('STRING');
        if (key === failed || this.#text.bytes[this.#position++] !== 0x3a) return failed;
        if (!this.#isPlainKey(key, first)) return failed;
        const word = this.#reference(target, depth);
        if (word === failed) return failed;
        words.push(key, word);
        const byte = this.#text.bytes[this.#position++];
        if (byte === 0x7d) break;
        if (byte !== 0x2c) return failed;
      }
    return this.#collection(first, (words.length - first) / 2);
  }

  /**
   * False: an object may not have it where the text has it (names that are numbers come first), or has it once where the text has it
   * twice, or it is `__proto__`.
   */
  #isPlainKey(key: number, first: number): boolean {
    const words = this.#words;
    const { bytes, tape } = this.#text;
    const byte = bytes[tape[key] as number] as number;
    if (isDigit(byte) || byte === 0x5f || words.length - first >= 2 * mapSizeMax) return false;
    const hash = tape[key + 2];
    for (let i = first; i < words.length; i += 2) if (tape[(words[i] as number) + 2] === hash) return false;
    return true;
  }

  /** Moves the words from `first` on to the tape. */
  #collection(first: number, count: number): number {
    const words = this.#words;
    const { tape } = this.#text;
    const at = this.#tapeEnd;
    this.#tapeEnd += 1 + words.length - first;
    tape[at] = count;
    for (let i = first, next = at + 1; i < words.length; i++) tape[next++] = words[i] as number;
    words.length = first;
    return at;
  }

  #value(kind: FieldKind): number {
    switch (kind) {
      case 'STRING':
        return this.#string();
      case 'BOOLEAN':
        if (this.accept(trueText)) return 1;
        return this.accept(falseText) ? 0 : failed;
      case 'INT':
      case 'LONG':
        return this.#number(kind === 'INT' ? intMax : Infinity, true);
      case 'FLOAT':
      case 'DOUBLE':
        return this.#number(Infinity, false);
      default:
        return failed;
    }
  }

  #string(): number {
    const { bytes, tape } = this.#text;
    if (!this.#isByte(0x22)) return failed;
    const start = this.#position + 1;
    let end = start;
    let hash = 0;
    for (let byte = bytes[end] as number; byte !== 0x22; byte = bytes[++end] as number) {
      if (byte < 0x20 || byte === 0x5c) return failed;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    if (end - start > limits.stringSizeMax) return failed;
    const at = this.#tapeEnd;
    tape[at] = start;
    tape[at + 1] = end;
    tape[at + 2] = hash;
    this.#tapeEnd = at + 3;
    this.#position = end + 1;
    return at;
  }

  #number(max: number, isWhole: boolean): number {
    const { bytes } = this.#text;
    const isNegative = this.#isByte(0x2d);
    const first = isNegative ? this.#position + 1 : this.#position;
    let at = first;
    let value = 0;
    for (; isDigit(bytes[at] as number); at++) value = value * 10 + (bytes[at] as number) - 0x30;
    let digits = at - first;
    if (digits === 0 || (digits > 1 && bytes[first] === 0x30)) return failed;
    if (bytes[at] === 0x2e) {
      const point = at++;
      for (; isDigit(bytes[at] as number); at++) value = value * 10 + (bytes[at] as number) - 0x30;
      const decimals = at - point - 1;
      digits += decimals;
      if (isWhole || decimals === 0 || digits > digitsMax) return failed;
      value /= tens[decimals] as number;
    }
    if (digits > digitsMax || value > max) return failed;
    this.#position = at;
    this.#text.numbers[this.#numbersEnd] = isNegative ? -value : value;
    return this.#numbersEnd++;
  }

  #isByte(byte: number): boolean {
    return this.#text.bytes[this.#position] === byte;
  }

  #isNext(wanted: Uint8Array): boolean {
    const { bytes } = this.#text;
    const from = this.#position;
    for (let i = 0; i < wanted.length; i++) if (bytes[from + i] !== wanted[i]) return false;
    return true;
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function scansOf(schema: DatasetSchema): ReadonlyMap<string, TypeScan> {
  const scans = new Map<string, TypeScan & { targets: (TypeScan | null)[] }>();
  for (const type of schema.schemas) {
    const fields = type.kind === 'OBJECT' ? type.fields : [];
    scans.set(type.name, {
      kind: type.kind,
      names: fields.map(({ name }) => encoder.encode(`${JSON.stringify(name)}:`)),
      kinds: fields.map(({ kind }) => kind),
      targets: [],
      keyFields: keyFieldsOf(schema, type),
      boxKind: boxedField(type)?.kind ?? null,
      order: [],
    });
  }
  for (const type of schema.schemas) {
    const targets = scans.get(type.name)?.targets;
    for (const name of targetsOf(type)) targets?.push(name === null ? null : (scans.get(name) ?? null));
  }
  return scans;
}
