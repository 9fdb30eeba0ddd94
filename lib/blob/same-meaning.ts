import { DatasetError } from '../errors.ts';
import { printSchema } from '../schema/dsl.ts';
import type { ObjectSchema, Schema } from '../schema/schema.ts';

/**
 * Refuses a type that changed its meaning under the same name. Fields that came or went are no obstacle: what is new is
 * not seen until the next snapshot, what is gone reads as null in new records.
 *
 * @throws DatasetError `incompatible`
 */
export function requireSameMeaning(wire: Schema, local: Schema): void {
  if (wire === local) return;
  if (wire.kind === 'OBJECT' && local.kind === 'OBJECT') {
    requireSameFields(wire, local);
  } else if (printSchema(wire) !== printSchema(local)) {
    throw new DatasetError('incompatible', `'${local.name}' is another type now: load a snapshot`, {
      type: local.name,
      was: printSchema(local),
      is: printSchema(wire),
    });
  }
}

function requireSameFields(wire: ObjectSchema, local: ObjectSchema): void {
  const wireFields = new Map(wire.fields.map((field) => [field.name, field]));
  for (const field of local.fields) {
    const other = wireFields.get(field.name);
    if (other === undefined || (other.kind === field.kind && other.referencedType === field.referencedType)) {
      continue;
    }
    throw new DatasetError(
      'incompatible',
      `'${local.name}.${field.name}' is another field now: load a snapshot`,
      {
        type: local.name,
        field: field.name,
        was: field.referencedType ?? field.kind,
        is: other.referencedType ?? other.kind,
      },
    );
  }
}
