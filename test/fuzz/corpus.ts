/** What is damaged: blobs of Java's, of every kind, each with the way that it is read. */
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { readHeader } from '../../lib/blob/decode-header.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { encodeHeaderBlob } from '../../lib/blob/encode-header.ts';
import { ByteReader } from '../../lib/bytes/byte-reader.ts';
import { isDatasetError } from '../../lib/errors.ts';
import { UniqueKeyIndex } from '../../lib/indexes/unique-key.ts';
import type { TypeFilter } from '../../lib/schema/type-filter.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { hashState } from '../../lib/state/state-hash.ts';
import { inspectBlob } from '../../lib/tools/inspect-blob.ts';
import { readFixture } from '../support/golden-fixtures.ts';
import { recordView } from '../support/record-view.ts';
import { seenRecord } from '../support/seen-state.ts';

export interface DecodeOptions {
  readonly filter: TypeFilter;
  readonly ownership: 'copied' | 'taken';
}

export interface Subject {
  /** E.g. `collections/delta-1-2`. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Decodes damaged bytes, which may be written over, in place of the sound ones; null: they are no state. */
  readonly decode: (bytes: Uint8Array, how: DecodeOptions) => ReadState | null;
  /** Types of the state that a delta starts from; each may take some memory, whatever the size of the delta. */
  readonly typeCount: number;
}

const cases = [
  'all-field-types',
  'collections',
  'empty-types',
  'header-tags',
  'nulls',
  'optional-parts',
  'pojo-object-mapper',
  'reshard',
  'schema-evolution',
  'shards-8',
  'tiny-worked-example',
];

type Parts = ReadonlyMap<string, Uint8Array>;

function partsOf(caseName: string, file: string): Parts {
  const part = readFixture(caseName, `${file}.part-extras`);
  return new Map(part === null ? [] : [['extras', part]]);
}

function copies(parts: Parts): Parts {
  return new Map(Array.from(parts, ([name, bytes]) => [name, Uint8Array.from(bytes)]));
}

const decodeAll = (main: Uint8Array, parts: Parts, { filter, ownership }: DecodeOptions): ReadState =>
  decodeSnapshot(main, parts, filter, ownership);

/** A main blob and its parts, each damaged by itself. */
function subjectsOf(
  name: string,
  main: Uint8Array,
  parts: Parts,
  how: { typeCount: number; decode: (main: Uint8Array, parts: Parts, how: DecodeOptions) => ReadState },
): Subject[] {
  const { typeCount, decode } = how;
  const ofMain = {
    name,
    bytes: main,
    typeCount,
    decode: (bytes: Uint8Array, options: DecodeOptions) => decode(bytes, copies(parts), options),
  };
  const ofParts = Array.from(parts, ([part, bytes]) => ({
    name: `${name}.part-${part}`,
    bytes,
    typeCount,
    decode: (damaged: Uint8Array, options: DecodeOptions) =>
      decode(Uint8Array.from(main), new Map([[part, damaged]]), options),
  }));
  return [ofMain, ...ofParts];
}

function subjectsOfCase(caseName: string): Subject[] {
  const subjects: Subject[] = [];
  const states = new Map<number, ReadState>();
  for (let n = 1; ; n++) {
    const main = readFixture(caseName, `snapshot-${n}`);
    if (main === null) break;
    const parts = partsOf(caseName, `snapshot-${n}`);
    const state = decodeSnapshot(main, parts);
    states.set(n, state);
    subjects.push(
      ...subjectsOf(`${caseName}/snapshot-${n}`, main, parts, { typeCount: 0, decode: decodeAll }),
    );
    const decode = (bytes: Uint8Array) => {
      readHeader(new ByteReader(bytes));
      inspectBlob(bytes);
      return null;
    };
    subjects.push({ name: `${caseName}/header-${n}`, bytes: encodeHeaderBlob(state), typeCount: 0, decode });
  }
  for (const [n, state] of states) {
    for (const file of [`delta-${n}-${n + 1}`, `reversedelta-${n}-${n - 1}`]) {
      const main = readFixture(caseName, file);
      if (main === null) continue;
      const decode = (bytes: Uint8Array, parts: Parts) => applyDelta(state, bytes, parts).state;
      const typeCount = state.typeNames.length;
      subjects.push(
        ...subjectsOf(`${caseName}/${file}`, main, partsOf(caseName, file), { typeCount, decode }),
      );
    }
  }
  return subjects;
}

export function readCorpus(): readonly Subject[] {
  return cases.flatMap(subjectsOfCase);
}

/** Records that are read of each type: a bound on time, not on what is found. */
const readMax = 2_000;

/** Reads all there is in a state; what is damaged within a record shows only here. */
export function readThrough(state: ReadState): void {
  for (const name of state.typeNames) {
    const type = state.type(name);
    for (let o = type.nextPopulated(0), n = 0; o >= 0 && n < readMax; o = type.nextPopulated(o + 1), n++) {
      seenRecord(type, o);
      if (type.kind === 'MAP') type.entries(o);
      else if (type.kind !== 'OBJECT') type.elements(o);
      if (type.kind === 'OBJECT' && n < 50) toleratingNotLoaded(() => recordView(state, name, o).toJSON());
    }
  }
  for (const type of state.schema.keyedTypes) UniqueKeyIndex.build(state, type);
  hashState(state, () => true);
}

/** What is filtered away is `invalid` to ask for. */
function toleratingNotLoaded(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!isDatasetError(error, 'invalid')) throw error;
  }
}
