import { DatasetError } from '../errors.ts';
import type { DatasetSchema } from '../schema/dataset-schema.ts';
import { validateKey } from '../schema/record.ts';
import { type KeyPart, keyOfPaths } from '../schema/record-key.ts';
import type { FieldKind } from '../schema/schema.ts';

/**
 * The key that a path segment names, not decoded yet: its parts in the order of the primary key, separated by commas.
 * A comma within a part is written `%2C`; BYTES as base64.
 *
 * @throws DatasetError `invalid`: it cannot be a key of this type
 * @example parseKeySegment(schema, 'Score', 'Ajax%2C%20Amsterdam,7')   // ['Ajax, Amsterdam', 7]
 */
export function parseKeySegment(schema: DatasetSchema, type: string, segment: string): readonly KeyPart[] {
  const paths = schema.keyPaths(type);
  const texts = segment.split(',');
  if (texts.length !== paths.length) {
    throw invalid(`the key of ${type} has ${paths.length} parts: ${paths.map(({ path }) => path).join()}`);
  }
  const key = Object.fromEntries(
    paths.map(({ path, leafKind }, i) => [path, parsePart(leafKind, decoded(texts[i] ?? ''))]),
  );
  const problem = validateKey(schema, type, key, 'key');
  if (problem !== null) throw invalid(`${problem.field}: ${problem.reason}`);
  return keyOfPaths(schema, type, key).parts;
}

/** What is not of its kind stays text, and validation says so; LONG and BYTES are texts, which it takes. */
function parsePart(kind: FieldKind, text: string): KeyPart {
  switch (kind) {
    case 'INT':
    case 'FLOAT':
    case 'DOUBLE':
      return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
    case 'BOOLEAN':
      return text === 'true' || (text === 'false' ? false : text);
    default:
      return text;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(`the key is not well encoded: ${text}`);
  }
}

function invalid(problem: string): DatasetError {
  return new DatasetError('invalid', problem);
}
