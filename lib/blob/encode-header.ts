import { ByteWriter } from '../bytes/byte-writer.ts';
import { DatasetError } from '../errors.ts';
import { declaredKey, type Schema } from '../schema/schema.ts';
import type { ReadState } from '../state/read-state.ts';
import { type BlobHeader, blobFormat, partFormat } from './decode-header.ts';

const tagsMax = 0x7fff;

/** What a header is written from: each section has its schema there, in the order of the sections. */
export type NewHeader = Omit<BlobHeader, 'sectionCount'>;

/** Mirrors decode-header.ts; docs/format.md, "Blob header". Ends with the number of sections that follow. */
export function writeHeader(header: NewHeader, out: ByteWriter): void {
  const schemas = new ByteWriter();
  writeSchemas(header.schemas, schemas);
  out.writeInt32(blobFormat);
  out.writeInt64(header.originTag);
  out.writeInt64(header.tag);
  // What readers from before the schemas were in the header have to skip: these, and the length of an empty extension.
  out.writeVarInt(schemas.position + 1);
  out.writeBytes(schemas.bytes, 0, schemas.position);
  out.writeVarInt(0);
  writeHeaderTags(header.headerTags, out);
  out.writeVarInt(header.schemas.length);
}

/** What Hollow's producers publish beside each state: the front of its snapshot, with nothing behind it. */
export function encodeHeaderBlob({ originTag, tag, schema, headerTags }: ReadState): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter();
  writeHeader({ originTag, tag, schemas: schema.inBlobOrder, headerTags }, out);
  return out.take();
}

/** The front of an optional part: as {@link writeHeader}, without envelope length and header tags. */
export function writePartHeader(name: string, header: Omit<NewHeader, 'headerTags'>, out: ByteWriter): void {
  out.writeInt32(partFormat);
  out.writeUtf(name);
  out.writeInt64(header.originTag);
  out.writeInt64(header.tag);
  writeSchemas(header.schemas, out);
  out.writeVarInt(0);
  out.writeVarInt(header.schemas.length);
}

function writeHeaderTags(tags: ReadonlyMap<string, string>, out: ByteWriter): void {
  if (tags.size > tagsMax) throw new DatasetError('invalid', 'too many header tags', { count: tags.size });
  out.writeInt16(tags.size);
  for (const [name, value] of tags) {
    out.writeUtf(name);
    out.writeUtf(value);
  }
}

function writeSchemas(schemas: readonly Schema[], out: ByteWriter): void {
  out.writeVarInt(schemas.length);
  for (const schema of schemas) writeSchema(schema, out);
}

/** Schemas as bytes: each blob has those of its types twice, and they never change. */
const encodedSchemas = new WeakMap<Schema, Uint8Array>();

/** Docs/format.md, "Schemas". */
export function writeSchema(schema: Schema, out: ByteWriter): void {
  let bytes = encodedSchemas.get(schema);
  if (bytes === undefined) {
    const encoded = new ByteWriter();
    encodeSchema(schema, encoded);
    bytes = encoded.take();
    encodedSchemas.set(schema, bytes);
  }
  out.writeBytes(bytes);
}

function encodeSchema(schema: Schema, out: ByteWriter): void {
  const key = declaredKey(schema);
  out.writeByte(schemaTypeId(schema, key.length > 0));
  out.writeUtf(schema.name);
  switch (schema.kind) {
    case 'OBJECT':
      writeKeyPaths(key, out);
      out.writeInt16(schema.fields.length);
      for (const { name, kind, referencedType } of schema.fields) {
        out.writeUtf(name);
        out.writeUtf(kind);
        if (referencedType !== null) out.writeUtf(referencedType);
      }
      break;
    case 'MAP':
      out.writeUtf(schema.keyType);
      out.writeUtf(schema.valueType);
      writeKeyPaths(key, out);
      break;
    default:
      out.writeUtf(schema.elementType);
      writeKeyPaths(key, out);
  }
}

function schemaTypeId({ kind }: Schema, hasKey: boolean): number {
  switch (kind) {
    case 'OBJECT':
      return hasKey ? 6 : 0;
    case 'SET':
      return hasKey ? 4 : 1;
    case 'MAP':
      return hasKey ? 5 : 3;
    case 'LIST':
      return 2;
  }
}

/** Nothing at all if there is no key: the type id says so. */
function writeKeyPaths(paths: readonly string[], out: ByteWriter): void {
  if (paths.length === 0) return;
  out.writeVarInt(paths.length);
  for (const path of paths) out.writeUtf(path);
}
