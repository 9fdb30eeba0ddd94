import type { Field, Schema } from './schema.ts';

export type PlainObject = Readonly<Record<string, unknown>>;

export function isPlainObject(value: unknown): value is PlainObject {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // The second test lets objects of another realm in.
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** The one field of an OBJECT whose bare value may stand for the record, if there is such a field. */
export function boxedField(schema: Schema): Field | null {
  if (schema.kind !== 'OBJECT') return null;
  const [only, ...others] = schema.fields;
  return only !== undefined && others.length === 0 && only.kind !== 'REFERENCE' ? only : null;
}
