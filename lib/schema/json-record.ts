import { toBase64 } from '../bytes/base64.ts';
import { limits } from '../limits.ts';
import type { FieldForm } from './field-specs.ts';
import { isPlainObject } from './plain-object.ts';
import type { ReaderSchema } from './reader-schema.ts';
import { describe, nameStep, type Problem, validateRecord } from './record.ts';
import { boxedField, type Field, type MapSchema, type ObjectSchema, type Schema } from './schema.ts';

export type JsonRecordResult =
  | { readonly problem: null; readonly record: Readonly<Record<string, unknown>> }
  | { readonly problem: Problem };

/**
 * A record of `type` as JSON and mutations can hold it: Date becomes ms, bigint a decimal string, BYTES base64, Set an
 * array, Map an array of pairs, a negative zero zero, a record that was read what its `toJSON` gives. Fields that are
 * absent stay absent. The problem, if there is one, names the field.
 */
export function jsonRecord(reader: ReaderSchema, type: string, value: unknown): JsonRecordResult {
  const walk = new Walk(reader);
  const record = walk.ofType(reader.schema.get(type), value, { path: '', depth: 0 });
  const problem = walk.problem ?? validateRecord(reader.schema, type, record, '');
  if (problem !== null) return { problem };
  return isPlainObject(record)
    ? { problem: null, record }
    : { problem: { field: '', reason: `expected a record of ${type}, got ${describe(value)}` } };
}

/** {@link jsonRecord} for a single field, as patches set them. */
export function jsonField(
  reader: ReaderSchema,
  type: string,
  [name, value]: readonly [string, unknown],
): {
  readonly problem: Problem | null;
  readonly value: unknown;
} {
  const walk = new Walk(reader);
  const field = reader.schema.getObject(type).fields.find((each) => each.name === name);
  // A name that the type does not have is for the validation to report.
  if (field === undefined) return { problem: null, value };
  const form = reader.forms.get(type)?.get(name) ?? null;
  const converted = walk.ofField(field, form, value, { path: name, depth: 0 });
  return { problem: walk.problem, value: converted };
}

interface Place {
  readonly path: string;
  readonly depth: number;
}

/** Turns what it knows and leaves the rest as it is: validation reports that with the path. */
class Walk {
  readonly #reader: ReaderSchema;
  /** The first value that its field's form does not allow. */
  problem: Problem | null = null;

  constructor(reader: ReaderSchema) {
    this.#reader = reader;
  }

  ofType(type: Schema, given: unknown, place: Place): unknown {
    // Validation stops there as well: a record that contains itself does not end.
    if (place.depth > limits.jsonDepthMax || given === null || given === undefined) return given;
    const value = ownJson(given);
    switch (type.kind) {
      case 'OBJECT':
        return this.#ofObject(type, value, place);
      case 'LIST':
      case 'SET': {
        const elements: unknown = value instanceof Set ? [...value] : value;
        if (!Array.isArray(elements)) return elements;
        return elements.map((each: unknown, i) =>
          this.#element(type.elementType, each, step(place, `[${i}]`)),
        );
      }
      case 'MAP':
        return this.#ofMap(type, value, place);
    }
  }

  ofField(field: Field, form: FieldForm | null, value: unknown, place: Place): unknown {
    if (field.referencedType !== null) return this.#element(field.referencedType, value, place);
    if (form !== null && value !== null && value !== undefined && !fitsForm(form, value)) {
      this.problem ??= { field: place.path, reason: `expected ${textOfForm(form)}, got ${describe(value)}` };
    }
    if (form?.as === 'date' && value instanceof Date) return value.getTime();
    if (field.kind === 'LONG' && typeof value === 'bigint') return String(value);
    // JSON.stringify has no negative zero, and the record's partition is worked out before it is text.
    if (value === 0) return 0;
    return field.kind === 'BYTES' && value instanceof Uint8Array ? toBase64(value) : value;
  }

  /** What a reference leads to; a box may be given by its bare value. */
  #element(typeName: string, value: unknown, place: Place): unknown {
    const type = this.#reader.schema.get(typeName);
    const box = isPlainObject(value) ? null : boxedField(type);
    if (box === null) return this.ofType(type, value, { ...place, depth: place.depth + 1 });
    return this.ofField(box, this.#formOf(typeName, box), value, place);
  }

  #ofObject(type: ObjectSchema, value: unknown, place: Place): unknown {
    if (!isPlainObject(value)) return value;
    const record: Record<string, unknown> = { ...value };
    for (const field of type.fields) {
      if (!Object.hasOwn(record, field.name)) continue;
      const path = place.path === '' ? field.name : `${place.path}.${field.name}`;
      const form = this.#formOf(type.name, field);
      record[field.name] = this.ofField(field, form, record[field.name], { ...place, path });
    }
    return record;
  }

  #ofMap(type: MapSchema, value: unknown, place: Place): unknown {
    const pairs: unknown = value instanceof Map ? [...value] : value;
    if (!Array.isArray(pairs)) {
      if (!isPlainObject(pairs)) return pairs;
      return Object.fromEntries(
        Object.entries(pairs).map(([key, each]) => {
          const at = step(place, nameStep(key));
          return [this.#element(type.keyType, key, at), this.#element(type.valueType, each, at)];
        }),
      );
    }
    return pairs.map((pair: unknown, i) => {
      if (!Array.isArray(pair) || pair.length !== 2) return pair;
      return [
        this.#element(type.keyType, pair[0], step(place, `[${i}][0]`)),
        this.#element(type.valueType, pair[1], step(place, `[${i}][1]`)),
      ];
    });
  }

  #formOf(type: string, field: Field): FieldForm | null {
    return this.#reader.forms.get(type)?.get(field.name) ?? null;
  }
}

/** Time that a Date can hold, ms from 1970 on. */
const dateMsMax = 8.64e15;

/** False: another kind of value, which may be the schema's to refuse, or one that could be written and not be read again. */
function fitsForm(form: FieldForm, value: unknown): boolean {
  switch (form.as) {
    case 'enum':
      return typeof value !== 'string' || form.values.includes(value);
    case 'date':
      return Math.abs(wholeNumber(value)) <= dateMsMax;
    case 'number':
      return Number.isSafeInteger(wholeNumber(value));
    case 'bigint':
      return true;
  }
}

/** NaN if it is none. */
function wholeNumber(value: unknown): number {
  const isNumeric = typeof value === 'number' || typeof value === 'bigint' || value instanceof Date;
  const number = isNumeric || (typeof value === 'string' && value !== '') ? Number(value) : Number.NaN;
  return Number.isInteger(number) ? number : Number.NaN;
}

function textOfForm(form: FieldForm): string {
  switch (form.as) {
    case 'enum':
      return `one of ${form.values.join(', ')}`;
    case 'date':
      return 'a Date or whole ms since 1970';
    case 'number':
      return `a whole number up to ±2^53 (t.long({ as: 'bigint' }) has more)`;
    case 'bigint':
      return 'a LONG';
  }
}

/** A record that was read, and whatever else says itself what it is in JSON. */
function ownJson(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || isPlainObject(value) || !('toJSON' in value))
    return value;
  return typeof value.toJSON === 'function' ? value.toJSON() : value;
}

function step({ path, depth }: Place, suffix: string): Place {
  return { path: path + suffix, depth };
}
