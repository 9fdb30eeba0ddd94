import { DatasetError } from './errors.ts';

/** 128 bits as the ids and hashes of this library are written. */
export const hex128Pattern = /^[0-9a-f]{32}$/;
/** A SHA-256. */
export const hex256Pattern = /^[0-9a-f]{64}$/;

/**
 * Reads a parsed JSON object that came from outside, field by field, without a cast. What is not as expected is
 * `corrupt` and named by its path. Unknown fields are left alone: a later version may have written them.
 *
 * @example new FieldReader(JSON.parse(text), 'hint').integer('era', 1)
 */
export class FieldReader {
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #at: string;

  constructor(value: unknown, at: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw wrong(at, 'an object', value);
    this.#fields = new Map(Object.entries(value));
    this.#at = at;
  }

  /** An integer that a double holds exactly, at least `min`. */
  integer(name: string, min: number): number {
    const value = this.#fields.get(name);
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min) {
      throw wrong(`${this.#at}.${name}`, `an integer from ${min}`, value);
    }
    return value;
  }

  string(name: string, pattern?: RegExp): string {
    return this.#text(name, this.#fields.get(name), pattern);
  }

  /** Undefined when absent or null. */
  optionalString(name: string, pattern?: RegExp): string | undefined {
    return this.has(name) ? this.string(name, pattern) : undefined;
  }

  /** False when absent or null. */
  has(name: string): boolean {
    return (this.#fields.get(name) ?? null) !== null;
  }

  /** One of the given words. */
  word<Word extends string>(name: string, words: readonly Word[]): Word {
    const value = this.#fields.get(name);
    const word = words.find((candidate) => candidate === value);
    if (word === undefined) throw wrong(`${this.#at}.${name}`, `one of ${words.join(', ')}`, value);
    return word;
  }

  /** As it came, for a reader of its own. */
  value(name: string): unknown {
    return this.#fields.get(name);
  }

  object(name: string): FieldReader {
    return new FieldReader(this.#fields.get(name), `${this.#at}.${name}`);
  }

  /** Every field, each an object. */
  entries(): [string, FieldReader][] {
    return [...this.#fields].map(([name, value]) => [name, new FieldReader(value, `${this.#at}.${name}`)]);
  }

  objects(name: string): FieldReader[] {
    return this.#array(name).map((item, index) => new FieldReader(item, `${this.#at}.${name}[${index}]`));
  }

  strings(name: string): string[] {
    return this.#array(name).map((item, index) => this.#text(`${name}[${index}]`, item));
  }

  /** Every field as text, for maps of names to texts. */
  texts(): Record<string, string> {
    return Object.fromEntries([...this.#fields].map(([name, value]) => [name, this.#text(name, value)]));
  }

  #array(name: string): readonly unknown[] {
    const value = this.#fields.get(name);
    if (!Array.isArray(value)) throw wrong(`${this.#at}.${name}`, 'an array', value);
    return value;
  }

  #text(name: string, value: unknown, pattern?: RegExp): string {
    if (typeof value !== 'string' || (pattern !== undefined && !pattern.test(value))) {
      throw wrong(
        `${this.#at}.${name}`,
        pattern === undefined ? 'a string' : `text like ${pattern.source}`,
        value,
      );
    }
    return value;
  }
}

/** `JSON.parse` whose failure is `corrupt`. */
export function parseJson(text: string, at: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DatasetError('corrupt', `${at}: not JSON`, { size: text.length }, error);
  }
}

/** Names the type only: the value may be somebody's data. */
function wrong(at: string, expected: string, value: unknown): DatasetError {
  const found = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
  return new DatasetError('corrupt', `${at}: expected ${expected}, found ${found}`);
}
