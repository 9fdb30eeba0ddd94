/**
 * LAYER 2, schema: what a record is.
 *
 *   schema.ts          the model (this file)
 *   dsl.ts             Hollow's text form, parsed and printed
 *   builder.ts         the TypeScript way to write a schema; field-specs.ts: the fields, record-of.ts: the record types
 *                      that are inferred from it, reader-schema.ts: can a reader with it read what is stored?
 *   dataset-schema.ts  a set of schemas: lookup, field paths, identity; compatible-advance.ts: may a dataset go on with
 *                      another one?
 *   type-filter.ts     which types and fields a reader loads
 *   partition-map.ts   which partition a record belongs to
 *   record.ts          is this value a record of that type? with errors that name the field; record-check.ts: most are, and
 *                      that is said sooner; field-order.ts: where an object has a type's fields; plain-object.ts: is it one?
 *   amounts.ts         what an increment adds
 *   record-key.ts      a primary key by value, in one form
 *   key-part.ts        one value of a key, as callers give it
 *   json-record.ts     a typed record as JSON can hold it; validator.ts: the same as a Standard Schema
 *
 * The model is Netflix Hollow's: docs/format.md, section "Schemas".
 */
export const fieldKinds = [
  'REFERENCE',
  'INT',
  'LONG',
  'BOOLEAN',
  'FLOAT',
  'DOUBLE',
  'STRING',
  'BYTES',
] as const;

export type FieldKind = (typeof fieldKinds)[number];

/** A field of an OBJECT. */
export interface Field {
  readonly name: string;
  readonly kind: FieldKind;
  /** The type that a REFERENCE leads to; null for every other kind. */
  readonly referencedType: string | null;
}

export interface ObjectSchema {
  readonly kind: 'OBJECT';
  readonly name: string;
  /** In record order: the order is part of the format. */
  readonly fields: readonly Field[];
  /** Dotted field paths; empty: no primary key. */
  readonly primaryKey: readonly string[];
}

export interface ListSchema {
  readonly kind: 'LIST';
  readonly name: string;
  readonly elementType: string;
}

export interface SetSchema {
  readonly kind: 'SET';
  readonly name: string;
  readonly elementType: string;
  /** Dotted paths from the element; empty: hashed by ordinal. */
  readonly hashKey: readonly string[];
}

export interface MapSchema {
  readonly kind: 'MAP';
  readonly name: string;
  readonly keyType: string;
  readonly valueType: string;
  /** Dotted paths from the key; empty: hashed by ordinal. */
  readonly hashKey: readonly string[];
}

/** The schema of one type. */
export type Schema = ObjectSchema | ListSchema | SetSchema | MapSchema;

/** Types that records of a type refer to. */
export function targetsOf(schema: Schema): readonly string[] {
  return targetsByPlace(schema).filter((target) => target !== null);
}

/**
 * What each place of a type's records refers to. OBJECT: per field, null for a value; LIST and SET: the elements; MAP: keys
 * and values.
 */
export function targetsByPlace(schema: Schema): readonly (string | null)[] {
  switch (schema.kind) {
    case 'OBJECT':
      return schema.fields.map(({ referencedType }) => referencedType);
    case 'MAP':
      return [schema.keyType, schema.valueType];
    case 'LIST':
    case 'SET':
      return [schema.elementType];
  }
}

/** The paths of a type's primary key (OBJECT) or hash key (SET, MAP), as declared; empty: it has none. */
export function declaredKey(schema: Schema): readonly string[] {
  switch (schema.kind) {
    case 'OBJECT':
      return schema.primaryKey;
    case 'LIST':
      return [];
    case 'SET':
    case 'MAP':
      return schema.hashKey;
  }
}

/** The one field of an OBJECT whose bare value may stand for the record, if there is such a field. */
export function boxedField(schema: Schema): Field | null {
  if (schema.kind !== 'OBJECT') return null;
  const [only, ...others] = schema.fields;
  return only !== undefined && others.length === 0 && only.kind !== 'REFERENCE' ? only : null;
}
