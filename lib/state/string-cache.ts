import { DatasetError } from '../errors.ts';
import { type PackedField, readText } from './packed-field.ts';

const capacityMin = 64;
const capacityMax = 2 ** 26;

/**
 * Strings that were read before, so that they need not be built again: up to a fixed number of them, for all STRING
 * fields of a dataset together. A new one takes the place of the one that was there. A string is found by where its record
 * lies, which is never written to again: entries stay right across deltas, and there is nothing to clear.
 *
 * Of one thread: strings cannot be shared. Guarded by test/bench (lookUpFields, ours-cached).
 *
 * @example
 * const cached = state.withStringCache(new StringCache(100_000));
 */
export class StringCache {
  /** How many strings there is room for. */
  readonly capacity: number;
  readonly #texts: string[];
  /** Of each text: its record, and {@link PackedField.textId}; 0: there is none. */
  readonly #records: Int32Array;
  readonly #fields: Int32Array;

  /**
   * @param entries from 1 to 67,108,864, rounded up to a power of two; each takes 16 bytes and its string's size
   * @throws DatasetError `invalid`: not such a number
   */
  constructor(entries: number) {
    if (!(Number.isInteger(entries) && entries > 0 && entries <= capacityMax)) {
      throw new DatasetError('invalid', `a string cache has 1 to ${capacityMax} entries, not ${entries}`);
    }
    this.capacity = 2 ** Math.ceil(Math.log2(Math.max(entries, capacityMin)));
    this.#texts = new Array<string>(this.capacity).fill('');
    this.#records = new Int32Array(this.capacity);
    this.#fields = new Int32Array(this.capacity);
  }

  /** The text of a STRING field, as {@link readText} builds it. Null and what lies in damaged bytes is never held. */
  read(field: PackedField, record: number): string | null {
    // Records of one field that has fewer of them than there are places do not compete with each other.
    const at = (record + Math.imul(field.textId, 0x9e37_79b1)) & (this.capacity - 1);
    if (this.#records[at] === record && this.#fields[at] === field.textId && field.textId !== 0) {
      return this.#texts[at] as string;
    }
    const text = readText(field, record);
    if (text !== null) {
      this.#texts[at] = text;
      this.#records[at] = record;
      this.#fields[at] = field.textId;
    }
    return text;
  }
}
