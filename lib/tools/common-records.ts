import { ByteWriter } from '../bytes/byte-writer.ts';
import { printSchema } from '../schema/dsl.ts';
import { type Schema, targetsOf } from '../schema/schema.ts';
import type { ReadState } from '../state/read-state.ts';
import { type FoundReferences, RecordReferences } from '../state/record-references.ts';

/** 1: both states have the same record at this ordinal. */
type Marks = Uint8Array;

const none: Marks = new Uint8Array(0);

/**
 * Records that two states have in common at the same ordinals, with all that they refer to: between two versions of a
 * chain, most. Found by their bytes, a hundred times sooner than by texts. A record of a type that leads to itself
 * does not count, nor one that refers to a type that a state does not have.
 */
export class CommonRecords {
  readonly #before: ReadState;
  readonly #after: ReadState;
  readonly #schemas: readonly Schema[];
  readonly #references: RecordReferences;
  readonly #marks = new Map<string, Marks>();

  constructor(before: ReadState, after: ReadState) {
    this.#before = before;
    this.#after = after;
    this.#schemas = before.schema.schemas;
    this.#references = new RecordReferences(this.#schemas);
  }

  has(type: string, ordinal: number): boolean {
    return this.#marksOf(type)[ordinal] === 1;
  }

  #marksOf(type: string): Marks {
    const known = this.#marks.get(type);
    if (known !== undefined) return known;
    // What is asked for on the way back to this type.
    this.#marks.set(type, none);
    const marks = this.#compare(type);
    this.#marks.set(type, marks);
    return marks;
  }

  #compare(type: string): Marks {
    const position = this.#schemas.findIndex(({ name }) => name === type);
    const schema = this.#schemas[position];
    if (schema === undefined || !this.#isInBoth(schema)) return none;
    const referenced = targetsOf(schema);
    const targets = this.#schemas.map(({ name }) => (referenced.includes(name) ? this.#marksOf(name) : none));
    const [before, after] = [this.#before.type(type), this.#after.type(type)];
    const record = new ByteWriter();
    const marks = new Uint8Array(before.maxOrdinal + 1);
    for (let o = before.nextPopulated(0); o >= 0; o = before.nextPopulated(o + 1)) {
      if (!after.isPopulated(o)) continue;
      record.reset();
      before.writeRecord(o, record);
      if (!after.recordEquals(o, record.bytes, 0, record.position)) continue;
      if (areMarked(this.#references.read(position, record.bytes, 0), targets)) marks[o] = 1;
    }
    return marks;
  }

  /** The type as it is, and all that it refers to. */
  #isInBoth(schema: Schema): boolean {
    const other = this.#after.schema.find(schema.name);
    if (other === undefined || printSchema(other) !== printSchema(schema)) return false;
    return targetsOf(schema).every((name) => this.#before.schema.find(name) !== undefined);
  }
}

/** @param targets the marks of each type, by position */
function areMarked({ count, types, ordinals }: FoundReferences, targets: readonly Marks[]): boolean {
  for (let i = 0; i < count; i++) {
    if (targets[types[i] as number]?.[ordinals[i] as number] !== 1) return false;
  }
  return true;
}
