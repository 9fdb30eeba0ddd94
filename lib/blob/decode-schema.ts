import type { ByteReader } from '../bytes/byte-reader.ts';
import { type Field, type FieldKind, fieldKinds, type Schema } from '../schema/schema.ts';

const kindsByName: ReadonlyMap<string, FieldKind> = new Map(fieldKinds.map((kind) => [kind, kind]));

/** One schema, as headers and sections hold it (docs/format.md, "Schemas"). */
export function readSchema(reader: ByteReader): Schema {
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
