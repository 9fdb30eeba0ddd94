import { DatasetError } from '../errors.ts';
import type { KeyPath } from './dataset-schema.ts';
import { describe } from './record.ts';
import type { KeyPart } from './record-key.ts';
import type { FieldKind } from './schema.ts';

/** Makes of an argument what the index takes, or throws `invalid`. */
export type KeyPartReader = (part: unknown) => KeyPart;

export function keyPartReader(type: string, { path, leafKind }: KeyPath): KeyPartReader {
  const expected = expectedOf[leafKind];
  return (part) => {
    if (leafKind === 'LONG' && part instanceof Date) return part.getTime();
    if (isPart(leafKind, part)) return typeof part === 'number' ? storedNumber(leafKind, part) : part;
    throw new DatasetError('invalid', `${type}.${path}: expected ${expected}, got ${describe(part)}`, {
      type,
      field: path,
      expected,
    });
  };
}

const expectedOf: Readonly<Record<FieldKind, string>> = {
  INT: 'a number',
  LONG: 'a number, a bigint or a Date',
  FLOAT: 'a number',
  DOUBLE: 'a number',
  BOOLEAN: 'a boolean',
  STRING: 'a string',
  BYTES: 'a Uint8Array',
  REFERENCE: 'an ordinal',
};

function isPart(kind: FieldKind, part: unknown): part is KeyPart {
  switch (kind) {
    case 'STRING':
      return typeof part === 'string';
    case 'BOOLEAN':
      return typeof part === 'boolean';
    case 'BYTES':
      return part instanceof Uint8Array;
    case 'LONG':
      return typeof part === 'number' || typeof part === 'bigint';
    case 'INT':
    case 'FLOAT':
    case 'DOUBLE':
    case 'REFERENCE':
      return typeof part === 'number';
  }
}

/** As the format would store it: FLOAT in 32 bits, whole numbers without a negative zero. */
function storedNumber(kind: FieldKind, part: number): number {
  if (kind === 'FLOAT') return Math.fround(part);
  return kind === 'DOUBLE' || part !== 0 ? part : 0;
}
