import type { ByteWriter } from '../bytes/byte-writer.ts';
import { type ScannedRecord, type ScannedText, wordMin } from '../schema/scanned-record.ts';
import type { CollectionEntries } from './collection-bytes.ts';
import { type Ahead, groupSize } from './collections-ahead.ts';
import { NestedOrdinals } from './nested-ordinals.ts';
import { kindCodes } from './packed-field.ts';
import type { RecordSink } from './record-sink.ts';
import type { CycleStrings } from './string-ordinals.ts';
import type { TypePlan } from './type-plans.ts';
import { writeNumber, writeValue } from './value-writer.ts';

/** What it shares with the RecordWriter, whose part it is. Types by position. */
export interface WriterParts {
  readonly sink: RecordSink;
  plan(type: number): TypePlan;
  /** Null: no record of the type stands for a STRING. */
  stringsOf(type: number): CycleStrings | null;
  aheadOf(type: number): Ahead;
  /** The entries of a level of nesting, emptied. */
  entriesOf(depth: number): CollectionEntries;
}

/**
 * As RecordWriter, of records that were scanned: the same bytes, from text to bytes without objects between. Records nested in
 * them are written in the same order, so that they get the same ordinals. Guarded by the write path of test/bench.
 */
export class ScannedWriter {
  readonly #parts: WriterParts;
  readonly #sink: RecordSink;
  readonly #nested = new NestedOrdinals();
  #ahead: Ahead = [];
  /** Place in its group of the record that is being written. */
  #place = 0;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#sink = parts.sink;
  }

  /** Records of one type, several at a time as in `RecordWriter.writeAll`. */
  writeAll(type: number, records: readonly ScannedRecord[], take: (ordinal: number) => void): void {
    const { references, targets } = this.#parts.plan(type);
    this.#ahead = this.#parts.aheadOf(type);
    for (let from = 0; from < records.length; from += groupSize) {
      const group = records.slice(from, from + groupSize);
      for (let i = 0; i < references.length; i++) {
        const ahead = this.#ahead[i] ?? null;
        const field = references[i] as number;
        if (ahead === null) continue;
        ahead.clear();
        for (let k = 0; k < group.length; k++) {
          const { text, at } = group[k] as ScannedRecord;
          ahead.takeScanned(k, text, text.tape[at + field] as number);
        }
        this.#sink.touch(targets[field] as number, ahead.hashes, ahead.count);
      }
      for (let k = 0; k < group.length; k++) {
        const { text, at } = group[k] as ScannedRecord;
        this.#place = k;
        this.#nested.count = 0;
        take(this.#writeObject(type, text, at, 0));
      }
    }
  }

  #writeObject(type: number, text: ScannedText, at: number, depth: number): number {
    const plan = this.#parts.plan(type);
    const { kinds, references } = plan;
    const { tape } = text;
    const nested = this.#nested;
    const firstNested = nested.count;
    for (let i = 0; i < references.length; i++) {
      const field = references[i] as number;
      const word = tape[at + field] as number;
      const target = plan.targets[field] as number;
      const ahead = depth === 0 ? this.#ahead[i] : null;
      if (word < wordMin) nested.push(-1);
      else if (ahead?.has(this.#place)) nested.push(ahead.intern(this.#place, target, this.#sink));
      else nested.push(this.#writeReferenced(target, text, word, depth + 1));
    }
    const out = this.#sink.open(type);
    let nextNested = firstNested;
    for (let field = 0; field < kinds.length; field++) {
      const kind = kinds[field] as number;
      if (kind !== kindCodes.REFERENCE) writeWord(kind, text, tape[at + field] as number, out);
      else {
        const ordinal = nested.at(nextNested++);
        if (ordinal < 0) out.writeVarNull();
        else out.writeVarInt(ordinal);
      }
    }
    nested.count = firstNested;
    return this.#sink.close(type);
  }

  #writeReferenced(type: number, text: ScannedText, word: number, depth: number): number {
    const { schema, boxKind, targets } = this.#parts.plan(type);
    const strings = this.#parts.stringsOf(type);
    if (strings !== null) return this.#writeString(type, strings, text, word);
    if (boxKind >= 0) writeWord(boxKind, text, word, this.#sink.open(type));
    else if (schema.kind === 'OBJECT') return this.#writeObject(type, text, word, depth);
    else {
      const entries = this.#parts.entriesOf(depth);
      const count = text.tape[word] as number;
      if (schema.kind === 'MAP') this.#addMapEntries(entries, targets, text, word, depth);
      else
        for (let i = 1; i <= count; i++) {
          const element = text.tape[word + i] as number;
          entries.add(this.#writeReferenced(targets[0] as number, text, element, depth + 1), 0);
        }
      entries.writeTo(schema.kind, this.#sink.open(type));
    }
    return this.#sink.close(type);
  }

  #addMapEntries(
    entries: CollectionEntries,
    targets: Int32Array,
    text: ScannedText,
    word: number,
    depth: number,
  ): void {
    const { tape } = text;
    const end = word + 1 + 2 * (tape[word] as number);
    for (let at = word + 1; at < end; at += 2) {
      const key = this.#writeReferenced(targets[0] as number, text, tape[at] as number, depth + 1);
      const value = this.#writeReferenced(targets[1] as number, text, tape[at + 1] as number, depth + 1);
      entries.add(key, value);
    }
  }

  #writeString(type: number, strings: CycleStrings, text: ScannedText, word: number): number {
    const { bytes, tape } = text;
    const start = tape[word] as number;
    const end = tape[word + 1] as number;
    const hash = tape[word + 2] as number;
    const known = strings.findBytes(bytes, start, end, hash);
    if (known >= 0) return known;
    writeWord(kindCodes.STRING, text, word, this.#sink.open(type));
    const ordinal = this.#sink.close(type);
    strings.ofOrdinal(this.#sink.isNew(type, ordinal)).addBytes(bytes, start, end, [hash, ordinal]);
    return ordinal;
  }
}

function writeWord(kind: number, { bytes, tape, numbers }: ScannedText, word: number, out: ByteWriter): void {
  if (word < wordMin) writeValue(kind, null, out);
  else if (kind === kindCodes.BOOLEAN) out.writeByte(word);
  else if (kind !== kindCodes.STRING) writeNumber(kind, numbers[word] as number, out);
  else {
    const start = tape[word] as number;
    const end = tape[word + 1] as number;
    out.writeVarInt(end - start);
    out.writeBytes(bytes, start, end);
  }
}
