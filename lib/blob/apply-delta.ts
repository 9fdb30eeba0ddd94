import { AssertionError } from '../assert.ts';
import { ByteReader } from '../bytes/byte-reader.ts';
import { DatasetError } from '../errors.ts';
import { packBuckets, packLists } from '../state/pack-collections.ts';
import { packObjects } from '../state/pack-objects.ts';
import { ReadState } from '../state/read-state.ts';
import type { Additions } from '../state/record-table.ts';
import type { StateChanges, TypeChanges } from '../state/type-changes.ts';
import type { TypeState } from '../state/type-state.ts';
import { readAdditions } from './decode-additions.ts';
import { readListShard, readMapShard, readSetShard, requireEntries } from './decode-collection.ts';
import { readHeader, readPartOf } from './decode-header.ts';
import { readObjectShard, requireEnds, requireFewAbsent } from './decode-object.ts';
import { readSectionHeader, type SectionHeader } from './decode-section.ts';
import { requireSameMeaning } from './same-meaning.ts';
import { skipDeltaSection } from './skip-section.ts';
import { tagText } from './tag-text.ts';

export interface AppliedDelta {
  readonly state: ReadState;
  readonly changes: StateChanges;
}

/**
 * The state that a delta leads to, in time that grows with the delta. `from` stays readable and unchanged, the two
 * share memory; the bytes of the delta are copied. Reverse deltas are applied in the same way.
 *
 * @throws DatasetError `corrupt`: damaged, or the delta does not start at `from`; `incompatible`: cannot be read here
 */
export function applyDelta(
  from: ReadState,
  main: Uint8Array,
  parts: ReadonlyMap<string, Uint8Array> = new Map(),
): AppliedDelta {
  const reader = new ByteReader(main);
  const header = readHeader(reader);
  if (header.originTag !== from.tag) {
    throw new DatasetError(
      'corrupt',
      `the delta starts at the tag ${tagText(header.originTag)}, the state has ${tagText(from.tag)}`,
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
    applySections(part, readPartOf(header, name, part), progress);
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
  readonly types: Map<string, TypeState>;
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
  const { schema } = section;
  const { from } = progress;
  if (from.schema.find(schema.name) === undefined) {
    // A type that the snapshot did not have, or that was left out when it was loaded.
    skipDeltaSection(reader, section);
    return;
  }
  const before = from.type(schema.name);
  requireSameMeaning(schema, before.schema);
  const { state, change } = readChange(reader, section, before);
  progress.types.set(schema.name, state);
  progress.changes.set(schema.name, changesOf(before, change));
}

interface ReadChange {
  readonly state: TypeState;
  readonly change: Pick<Additions<unknown>, 'ordinals' | 'removed'>;
}

function readChange(
  reader: ByteReader,
  { schema, shardCount }: SectionHeader,
  before: TypeState,
): ReadChange {
  const section = { name: schema.name, shardCount };
  if (before.kind === 'OBJECT' && schema.kind === 'OBJECT') {
    const local = before.schema;
    requireFewAbsent(reader, { schema, shardCount }, local);
    const readShard = (size: number) => checked(readObjectShard(reader, schema, local, size), requireEnds);
    const change = readAdditions(reader, section, { readShard, pack: (list) => packObjects(local, list) });
    return { state: before.applyAdditions(change, shardCount), change };
  }
  if (before.kind === 'OBJECT') throw new AssertionError(`the kind of '${schema.name}' was not checked`);
  const read = before.kind === 'LIST' ? readListShard : before.kind === 'SET' ? readSetShard : readMapShard;
  const readShard = (size: number) => checked(read(reader, schema.name, size), requireEntries);
  const change = readAdditions(reader, section, {
    readShard,
    pack: before.kind === 'LIST' ? packLists : packBuckets,
  });
  return { state: before.applyAdditions(change, shardCount), change };
}

function checked<L>(layer: L, check: (layer: L) => void): L {
  check(layer);
  return layer;
}

/** Deltas of a sound chain never add what is populated; where one does, the record was replaced. */
function changesOf(before: TypeState, { removed, ordinals: added }: ReadChange['change']): TypeChanges {
  const isOrdinary = removed.every((o) => before.isPopulated(o)) && !added.some((o) => before.isPopulated(o));
  if (isOrdinary) return { removed, added };
  const gone = new Set([...removed, ...added].filter((o) => before.isPopulated(o)));
  return { removed: Int32Array.from(gone).sort(), added };
}
