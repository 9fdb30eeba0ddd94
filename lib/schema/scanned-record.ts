import { assert } from '../assert.ts';
import { asciiText } from '../bytes/platform.ts';
import type { DatasetSchema } from './dataset-schema.ts';
import { isPlainObject, type PlainObject } from './plain-object.ts';

/** A word of {@link ScannedText.tape} from which on there is a value; below it there is none. */
export const wordMin = 0;

/**
 * Texts of records, and where their values are. What is written in it stays, so records can be read from it at any time.
 *
 * The tape says it in words of 32 bits. A value is one word: -1 or -2 is null; of a BOOLEAN it is 0 or 1; of a number, an index
 * into the numbers; of a STRING, an index of three words (where its bytes start, where they end, their `unitsHash`); of a
 * reference to a box, what the box holds; of any other reference, an index of the words of what it refers to. These are one
 * word a field of an OBJECT; of a LIST or SET their number, and one word each; of a MAP their number, and two words each.
 */
export interface ScannedText {
  /** ASCII, without escapes: strings are as records have them. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly tape: Int32Array;
  readonly numbers: Float64Array;
}

/**
 * A record as it came in the text of a message: checked, but not made into an object, which most records never are. Only
 * where it takes part in more than being written, somebody asks for {@link toObject}.
 */
export class ScannedRecord {
  /** By which it was checked. */
  readonly schema: DatasetSchema;
  readonly text: ScannedText;
  /** Of its words on the tape. */
  readonly at: number;
  readonly #start: number;
  readonly #end: number;

  constructor(
    schema: DatasetSchema,
    text: ScannedText,
    at: number,
    bytes: readonly [start: number, end: number],
  ) {
    this.schema = schema;
    this.text = text;
    this.at = at;
    [this.#start, this.#end] = bytes;
  }

  /** What `JSON.parse` makes of its text. */
  toObject(): PlainObject {
    const value: unknown = JSON.parse(asciiText(this.text.bytes, this.#start, this.#end));
    assert(isPlainObject(value), 'a scanned record is an object');
    return value;
  }
}

/** A record that passed validateRecord, in one of its forms. */
export type RecordValue = PlainObject | ScannedRecord;

export function plainRecord(value: RecordValue): PlainObject {
  return value instanceof ScannedRecord ? value.toObject() : value;
}
