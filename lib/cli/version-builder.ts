import { applyDelta } from '../blob/apply-delta.ts';
import { decodeSnapshot } from '../blob/decode-snapshot.ts';
import { type DeltaOptions, encodeDelta, encodeReverseDelta } from '../blob/encode-delta.ts';
import { encodeFirstSnapshot, encodeSnapshot } from '../blob/encode-snapshot.ts';
import { evolveState } from '../blob/evolve-state.ts';
import { nextHeaderTags } from '../blob/header-tags.ts';
import { DatasetError } from '../errors.ts';
import type { ExportedVersion } from '../hollow-directory/export-version.ts';
import { UniqueKeyIndex } from '../indexes/unique-key.ts';
import { checkIntegrity } from '../producer/integrity.ts';
import { canonicalText, type DatasetSchema } from '../schema/dataset-schema.ts';
import {
  isPlainObject,
  type PlainObject,
  type Problem,
  validateKey,
  validateRecord,
} from '../schema/record.ts';
import { keyOfPaths, keyOfRecord, type RecordKey } from '../schema/record-key.ts';
import type { Cycle } from '../state/cycle.ts';
import { ReadState } from '../state/read-state.ts';
import { hashState, toHex } from '../state/state-hash.ts';
import type { Transition } from '../state/transition.ts';
import { WriteState } from '../state/write-state.ts';

export interface BuiltVersion {
  readonly blobs: Pick<ExportedVersion, 'delta' | 'reverseDelta' | 'snapshot'>;
  readonly addedCount: number;
  readonly removedCount: number;
}

/** Collects the records of one version, line by line, and encodes it. */
export class VersionBuilder {
  readonly #schema: DatasetSchema;
  readonly #writer: WriteState;
  readonly #cycle: Cycle;
  readonly #mode: 'changes' | 'populate';
  readonly #isFirst: boolean;
  readonly #isEvolved: boolean;
  readonly #indexes = new Map<string, UniqueKeyIndex>();
  /** By type and key: two lines for one key are a mistake. */
  readonly #seen = new Set<string>();

  /** @param from the state to go on from; null: a new chain */
  constructor(schema: DatasetSchema, from: ReadState | null, mode: 'changes' | 'populate') {
    this.#schema = schema;
    this.#mode = mode;
    this.#isFirst = from === null;
    this.#isEvolved = from !== null && canonicalText(from.schema) !== canonicalText(schema);
    const base = from ?? ReadState.empty(schema);
    this.#writer = WriteState.restore(this.#isEvolved ? evolveState(base, schema) : base);
    this.#cycle = this.#writer.begin({ mode });
  }

  /** @throws DatasetError `rejected`: the line is no record of the schema */
  take(line: string): void {
    const parsed = parseLine(line);
    const type = parsed['type'];
    if (typeof type !== 'string' || this.#schema.find(type) === undefined) {
      throw new DatasetError('rejected', `type: there is no type ${JSON.stringify(type) ?? 'given'}`);
    }
    const isKeyed = this.#schema.keyedTypes.includes(type);
    if (Object.hasOwn(parsed, 'delete')) return this.#delete(type, isKeyed, parsed['delete']);
    const value = parsed['value'];
    reject(validateRecord(this.#schema, type, value, 'value'));
    if (isKeyed && isPlainObject(value)) this.#replace(type, keyOfRecord(this.#schema, type, value));
    this.#cycle.add(type, value);
  }

  /** Null: nothing changes. `random` is eight bytes for the tag. */
  build(version: bigint, random: Uint8Array): BuiltVersion | null {
    const transition = this.#cycle.transition();
    if (transition.isEmpty && !this.#isFirst && !this.#isEvolved) return null;
    const tag = new DataView(random.buffer, random.byteOffset).getBigInt64(0);
    const headerTags = nextHeaderTags(transition, version);
    const options = { tag, parts: new Map<string, readonly string[]>() };
    if (this.#isFirst) return buildFirst(transition, { ...options, headerTags });
    const delta = encodeDelta(transition, { ...options, headerTags });
    const reverseDelta = encodeReverseDelta(transition, options);
    const { state, changes } = applyDelta(this.#writer.state, delta.main);
    const before = this.#writer.state;
    this.#writer.follow(state, transition);
    const snapshot = encodeSnapshot(state, { parts: options.parts, statistics: this.#writer.statistics });
    requireEqual(decodeSnapshot(snapshot.main), state);
    requireEqual(applyDelta(state, reverseDelta.main).state, before);
    const all = [...changes.values()];
    return {
      // Readers of another schema need the snapshot: the delta would leave them with what is gone.
      blobs: this.#isEvolved ? { snapshot } : { delta, reverseDelta, snapshot },
      addedCount: all.reduce((sum, { added }) => sum + added.length, 0),
      removedCount: all.reduce((sum, { removed }) => sum + removed.length, 0),
    };
  }

  #delete(type: string, isKeyed: boolean, key: unknown): void {
    if (this.#mode === 'populate') throw new DatasetError('rejected', 'delete: only with --incremental');
    if (!isKeyed) throw new DatasetError('rejected', `delete: ${type} has no primary key`);
    reject(validateKey(this.#schema, type, key, 'delete'));
    if (isPlainObject(key)) this.#replace(type, keyOfPaths(this.#schema, type, key));
  }

  /** Takes the record with this key away, if there is one. */
  #replace(type: string, key: RecordKey): void {
    const name = `${type}:${key.text}`;
    if (this.#seen.has(name))
      throw new DatasetError('rejected', `the key ${key.text} of ${type} was in a line before`);
    this.#seen.add(name);
    if (this.#mode === 'populate') return;
    let index = this.#indexes.get(type);
    if (index === undefined) {
      index = UniqueKeyIndex.build(this.#writer.state, type);
      this.#indexes.set(type, index);
    }
    const ordinal = index.findByKey(key.parts);
    if (ordinal >= 0) this.#cycle.remove(type, ordinal);
  }
}

/** Nothing lies before it: the snapshot alone. */
function buildFirst(transition: Transition, options: DeltaOptions): BuiltVersion {
  const snapshot = encodeFirstSnapshot(transition, options);
  const added = transition.types.map(({ schema, added: { ordinals } }) => [schema.name, ordinals] as const);
  const changes = new Map(
    added.map(([name, ordinals]) => [name, { removed: new Int32Array(0), added: ordinals }]),
  );
  checkIntegrity(transition, decodeSnapshot(snapshot.main), changes);
  const addedCount = added.reduce((sum, [, ordinals]) => sum + ordinals.length, 0);
  return { blobs: { snapshot }, addedCount, removedCount: 0 };
}

function parseLine(line: string): PlainObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (error) {
    throw new DatasetError('rejected', `not JSON: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
  if (!isPlainObject(parsed)) throw new DatasetError('rejected', 'not an object');
  return parsed;
}

function reject(problem: Problem | null): void {
  if (problem !== null)
    throw new DatasetError('rejected', `${problem.field}: ${problem.reason}`, { field: problem.field });
}

/** What is published is read back before it is. */
function requireEqual(read: ReadState, meant: ReadState): void {
  const [one, other] = [read, meant].map((state) => toHex(hashState(state, () => true)));
  if (one !== other)
    throw new DatasetError('corrupt', 'the encoded blobs do not read back as what was encoded');
}
