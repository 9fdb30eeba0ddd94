import type { ByteReader } from '../bytes/byte-reader.ts';
import { murmur3 } from '../bytes/hash.ts';
import { type Field, type FieldKind, fieldKinds, type Schema } from '../schema/schema.ts';

const kindsByName: ReadonlyMap<string, FieldKind> = new Map(fieldKinds.map((kind) => [kind, kind]));

/** A schema that was read before, and the bytes it was read from. */
interface KnownSchema {
  readonly bytes: Uint8Array;
  readonly schema: Schema;
}

/** Every delta repeats the schemas of the types that it changes, twice. Found by a hash of their first bytes. */
const knownSchemas = new Map<number, KnownSchema>();
const knownSchemasMax = 1_024;
const knownSizeMax = 4_096;
const hashedSize = 24;

/**
 * One schema, as headers and sections hold it (docs/format.md, "Schemas"). Equal bytes give the very same object, as a
 * rule: it costs less, and who compares schemas is done at once.
 */
export function readSchema(reader: ByteReader): Schema {
  const { bytes, position: start } = reader;
  const hash = murmur3(bytes, start, Math.min(start + hashedSize, bytes.length));
  const known = knownSchemas.get(hash);
  if (known !== undefined && isAt(bytes, start, known.bytes)) {
    reader.skip(known.bytes.length, 'schema');
    return known.schema;
  }
  const schema = decodeSchema(reader);
  if (reader.position - start <= knownSizeMax) {
    if (knownSchemas.size === knownSchemasMax) knownSchemas.clear();
    knownSchemas.set(hash, { bytes: bytes.slice(start, reader.position), schema });
  }
  return schema;
}

function isAt(bytes: Uint8Array, start: number, wanted: Uint8Array): boolean {
  if (start + wanted.length > bytes.length) return false;
  for (let i = 0; i < wanted.length; i++) if (bytes[start + i] !== wanted[i]) return false;
  return true;
}

function decodeSchema(reader: ByteReader): Schema {
  const at = reader.position;
  const typeId = reader.readByte('kind of a schema');
  const name = reader.readUtf('name of a type');
  if (name === '') throw reader.corrupt('name of a type', 'it is empty', at);
  switch (typeId) {
    case 0:
    case 6: {
      const primaryKey = typeId === 6 ? readPaths(reader) : [];
      return { kind: 'OBJECT', name, fields: readFields(reader), primaryKey };
    }
    case 1:
    case 4: {
      const elementType = reader.readUtf('element type');
      return { kind: 'SET', name, elementType, hashKey: typeId === 4 ? readPaths(reader) : [] };
    }
    case 2:
      return { kind: 'LIST', name, elementType: reader.readUtf('element type') };
    case 3:
    case 5: {
      const keyType = reader.readUtf('key type');
      const valueType = reader.readUtf('value type');
      return { kind: 'MAP', name, keyType, valueType, hashKey: typeId === 5 ? readPaths(reader) : [] };
    }
    default:
      throw reader.corrupt('kind of a schema', `${typeId} is none`, at);
  }
}

function readPaths(reader: ByteReader): string[] {
  const count = reader.readCount('count of key paths', reader.remaining);
  return Array.from({ length: count }, () => reader.readUtf('key path'));
}

function readFields(reader: ByteReader): Field[] {
  const at = reader.position;
  const count = reader.readInt16('count of fields');
  if (count < 0) throw reader.corrupt('count of fields', `${count} is negative`, at);
  return Array.from({ length: count }, () => readField(reader));
}

function readField(reader: ByteReader): Field {
  const name = reader.readUtf('name of a field');
  const at = reader.position;
  const kindName = reader.readUtf('kind of a field');
  const kind = kindsByName.get(kindName);
  if (kind === undefined) throw reader.corrupt('kind of a field', `'${kindName}' is none`, at);
  return { name, kind, referencedType: kind === 'REFERENCE' ? reader.readUtf('referenced type') : null };
}
