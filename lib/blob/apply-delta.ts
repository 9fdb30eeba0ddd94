import { ByteReader } from '../bytes/byte-reader.ts';
import { readGapList } from '../bytes/gap-list.ts';
import { DatasetError } from '../errors.ts';
import type { ObjectSchema } from '../schema/schema.ts';
import type { ObjectLayer } from '../state/object-layer.ts';
import type { ObjectTypeState } from '../state/object-type-state.ts';
import { ReadState } from '../state/read-state.ts';
import { type Additions, addedRecordsMax } from '../state/record-table.ts';
import { readHeader, readPartHeader } from './decode-header.ts';
import { readObjectShard, requireEnds, requireSameMeaning } from './decode-object.ts';
import { readMaxOrdinal, readSectionHeader, type SectionHeader } from './decode-section.ts';
import { unsupported } from './decode-snapshot.ts';

/** What a delta did to one type; ordinals ascending. */
export interface TypeChanges {
  /** Populated before, and now no more or with another record: read them from the state before. */
  readonly removed: Int32Array;
  /** Read them from the state after. */
  readonly added: Int32Array;
}

/** By type name; types without a section in the delta are not in it. */
export type StateChanges = ReadonlyMap<string, TypeChanges>;

export interface AppliedDelta {
  readonly state: ReadState;
  readonly changes: StateChanges;
}

const noParts: ReadonlyMap<string, Uint8Array> = new Map();

/**
 * The state that a delta leads to, in time that grows with the delta. `from` stays readable and unchanged, the two
 * share memory; the bytes of the delta are copied. Reverse deltas are applied in the same way.
 *
 * @throws DatasetError `corrupt`: damaged, or the delta does not start at `from`; `incompatible`: cannot be read here
 */
export function applyDelta(
  from: ReadState,
  main: Uint8Array,
  parts: ReadonlyMap<string, Uint8Array> = noParts,
): AppliedDelta {
  const reader = new ByteReader(main);
  const header = readHeader(reader);
  if (header.originTag !== from.tag) {
    throw new DatasetError(
      'corrupt',
      `the delta starts at the tag ${header.originTag}, the state has ${from.tag}`,
      {
        originTag: String(header.originTag),
        tag: String(from.tag),
      },
    );
  }
  const progress: Progress = { from, types: new Map(), changes: new Map() };
  applySections(reader, header.sectionCount, progress);
  for (const [name, bytes] of parts) {
    const part = new ByteReader(bytes);
    applySections(part, readPartHeader(part, name, header), progress);
  }
  const types = new Map(from.typeNames.map((name) => [name, progress.types.get(name) ?? from.type(name)]));
  const { tag, originTag, headerTags } = header;
  return {
    state: new ReadState({ schema: from.schema, tag, originTag, headerTags, types }),
    changes: progress.changes,
  };
}

interface Progress {
  readonly from: ReadState;
  readonly types: Map<string, ObjectTypeState>;
  readonly changes: Map<string, TypeChanges>;
}

function applySections(reader: ByteReader, count: number, progress: Progress): void {
  for (let i = 0; i < count; i++) {
    const at = reader.position;
    const section = readSectionHeader(reader);
    const { name } = section.schema;
    if (progress.types.has(name))
      throw reader.corrupt(`section ${i}`, `the type '${name}' is there twice`, at);
    applySection(reader, section, progress);
  }
  if (reader.remaining > 0) throw reader.corrupt('end of the blob', `${reader.remaining} bytes too many`);
}

function applySection(reader: ByteReader, section: SectionHeader, progress: Progress): void {
  const { schema, shardCount } = section;
  if (schema.kind !== 'OBJECT') throw unsupported(schema, schema.kind);
  if (shardCount > 1) throw unsupported(schema, `a delta of ${shardCount} shards`);
  const before = progress.from.type(schema.name);
  requireSameMeaning(schema, before.schema);
  const change = readDeltaShard(reader, schema, before.schema);
  progress.types.set(schema.name, before.applyAdditions(change, shardCount));
  progress.changes.set(schema.name, changesOf(before, change));
}

function readDeltaShard(reader: ByteReader, wire: ObjectSchema, local: ObjectSchema): Additions<ObjectLayer> {
  const maxOrdinal = readMaxOrdinal(reader, `greatest ordinal of ${wire.name}`);
  // What is removed may lie above: a type's greatest ordinal can shrink.
  const removed = readGapList(reader, 2 ** 29, `removed ordinals of ${wire.name}`);
  const ordinals = readGapList(reader, maxOrdinal, `added ordinals of ${wire.name}`);
  if (ordinals.length > addedRecordsMax) throw unsupported(wire, `a delta of ${ordinals.length} additions`);
  const layer = readObjectShard(reader, wire, local, ordinals.length);
  requireEnds(layer);
  return { layer, ordinals, removed, maxOrdinal };
}

/** Deltas of a sound chain never add what is populated; where one does, the record was replaced. */
function changesOf(before: ObjectTypeState, change: Additions<ObjectLayer>): TypeChanges {
  const { removed, ordinals: added } = change;
  const isOrdinary = removed.every((o) => before.isPopulated(o)) && !added.some((o) => before.isPopulated(o));
  if (isOrdinary) return { removed, added };
  const gone = new Set([...removed, ...added].filter((o) => before.isPopulated(o)));
  return { removed: Int32Array.from(gone).sort(), added };
}
