/**
 * LAYER 4, blob: Hollow's format (docs/format.md). Encoders and decoders have mirrored names.
 *
 *   decode-header.ts    what stands before the sections: versions, tags, schemas (this file)
 *   decode-schema.ts    a schema in its binary form
 *   decode-section.ts   one type's records, in a snapshot or a delta
 *   skip-section.ts     past the records of a type that is not loaded
 *   decode-snapshot.ts  bytes to a read state
 *   apply-delta.ts      a read state and bytes to the next read state
 *   blob-parts.ts       headers and sections of a new blob, put together
 *   header-tags.ts      what Hollow's producers say of a state beside it
 *   transition-between.ts  the step that a delta made, as encoders take it
 *   evolve-state.ts     a read state under another schema
 *   blob-names.ts       the names of blobs in a store; hollow-file-names.ts: of files in Hollow's own layout
 *   tag-text.ts         a state's tag for people
 */
import { ByteReader } from '../bytes/byte-reader.ts';
import { DatasetError } from '../errors.ts';
import type { Schema } from '../schema/schema.ts';
import { readSchema } from './decode-schema.ts';

export const blobFormat = 1030;
export const partFormat = 1031;

/** @throws DatasetError `corrupt`: it ends before it says what it is */
export function isPart(bytes: Uint8Array): boolean {
  return new ByteReader(bytes).readInt32('format of the blob') === partFormat;
}

export interface BlobHeader {
  /** Tag of the state that the blob starts from; without meaning in a snapshot. */
  readonly originTag: bigint;
  /** Tag of the state that the blob leads to. */
  readonly tag: bigint;
  readonly headerTags: ReadonlyMap<string, string>;
  /** In a delta: of the types that changed. Empty in blobs of writers before 2.2.0. */
  readonly schemas: readonly Schema[];
  readonly sectionCount: number;
}

export interface PartHeader extends Omit<BlobHeader, 'headerTags'> {
  readonly name: string;
}

/**
 * The header of a snapshot, a delta, a reverse delta, or all of a header blob. Leaves the reader at the first section.
 *
 * @throws DatasetError `incompatible`: another format; `corrupt`
 */
export function readHeader(reader: ByteReader): BlobHeader {
  requireFormat(reader, blobFormat);
  const originTag = reader.readInt64('origin tag');
  const tag = reader.readInt64('destination tag');
  // 0 is what writers before 2.2.0 left here: no schemas follow.
  const hasSchemas = reader.readVarInt('size of the schemas') !== 0;
  const schemas = hasSchemas ? readSchemas(reader) : [];
  const headerTags = readHeaderTags(reader);
  // A header blob ends here: its sections are counted, one for each schema, but not there.
  const sectionsMax = Math.max(schemas.length, reader.remaining);
  const sectionCount = reader.readCount('count of sections', sectionsMax);
  return { originTag, tag, schemas, headerTags, sectionCount };
}

/** The header of an optional part, whatever blob it belongs to. Leaves the reader at the first section. */
export function readPartHeader(reader: ByteReader): PartHeader {
  requireFormat(reader, partFormat);
  const name = reader.readUtf('name of the part');
  const originTag = reader.readInt64('origin tag of the part');
  const tag = reader.readInt64('destination tag of the part');
  const schemas = readSchemas(reader);
  const sectionCount = reader.readCount('count of sections', reader.remaining);
  return { name, originTag, tag, schemas, sectionCount };
}

/**
 * The header of an optional part, checked against that of the main blob.
 *
 * @returns the number of sections that follow
 */
export function readPartOf(main: BlobHeader, part: string, reader: ByteReader): number {
  const at = reader.position;
  const { name, originTag, tag, sectionCount } = readPartHeader(reader);
  if (name !== part) throw reader.corrupt('name of the part', `it is '${name}' instead of '${part}'`, at);
  if (originTag !== main.originTag || tag !== main.tag) {
    throw reader.corrupt('tags of the part', `'${part}' belongs to another main blob`, at);
  }
  return sectionCount;
}

function requireFormat(reader: ByteReader, expected: number): void {
  const found = reader.readInt32('format of the blob');
  if (found !== expected) {
    const hint = found === partFormat ? ': an optional part, to be given beside its blob' : '';
    const problem = `format ${found} cannot be read here, only ${expected}${hint}`;
    throw new DatasetError('incompatible', problem, { format: found });
  }
}

function readSchemas(reader: ByteReader): Schema[] {
  const count = reader.readCount('count of schemas', reader.remaining);
  const schemas = Array.from({ length: count }, () => readSchema(reader));
  reader.skip(reader.readCount('size of unknown header fields', reader.remaining), 'unknown header fields');
  return schemas;
}

function readHeaderTags(reader: ByteReader): Map<string, string> {
  const at = reader.position;
  const count = reader.readInt16('count of header tags');
  if (count < 0) throw reader.corrupt('count of header tags', `${count} is negative`, at);
  const tags = new Map<string, string>();
  for (let i = 0; i < count; i++)
    tags.set(reader.readUtf('header tag'), reader.readUtf('value of a header tag'));
  return tags;
}
