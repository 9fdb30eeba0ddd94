import { type PackedField, readText } from './packed-field.ts';
import type { StringCache } from './string-cache.ts';

/** A type whose base has no more records than this keeps its texts: currencies, tags, names of attributes. */
const smallTypeRecordsMax = 8192;

/** Longer ones are not kept, so that what a small type keeps has a bound of 64 or so of bytes for each of its records, twice. */
const keptLengthMax = 64;

/**
 * Reads the STRING fields of one type. The texts of a type of few records are built once and then kept: they are read again and
 * again, mostly by reference from many records of other types. Those of big types only in a {@link StringCache}.
 * Guarded by test/bench (lookUpFields).
 */
export class TextReader {
  /** Some texts may be kept. */
  readonly isKeeping: boolean;
  /** They are, in a {@link StringCache}. */
  readonly hasCache: boolean;
  readonly #isSmall: boolean;
  readonly #strings: StringCache | null;

  /** @param recordCount of the type's base */
  constructor(recordCount: number, strings: StringCache | null) {
    this.#isSmall = recordCount <= smallTypeRecordsMax;
    this.#strings = strings;
    this.hasCache = !this.#isSmall && strings !== null;
    this.isKeeping = this.#isSmall || this.hasCache;
  }

  /** Undefined: it is not kept, and has to be built by {@link read}. */
  find(field: PackedField, record: number): string | null | undefined {
    if (this.#isSmall) return keptText(field, record);
    return this.#strings === null ? undefined : this.#strings.find(field, record);
  }

  /** Null where there is none. */
  read(field: PackedField, record: number): string | null {
    if (this.#isSmall) return keptText(field, record);
    return this.#strings === null ? readText(field, record) : this.#strings.read(field, record);
  }
}

function keptText(field: PackedField, record: number): string | null {
  const text = field.kept?.[record];
  return text === undefined ? keepText(field, record) : text;
}

function keepText(field: PackedField, record: number): string | null {
  const text = readText(field, record);
  if (record >= field.recordCount || (text !== null && text.length > keptLengthMax)) return text;
  field.kept ??= new Array<string | null | undefined>(field.recordCount).fill(undefined);
  field.kept[record] = text;
  return text;
}
