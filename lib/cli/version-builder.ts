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
import { isPlainObject } from '../schema/plain-object.ts';
import { type Problem, validateKey, validatePatch, validateRecord } from '../schema/record.ts';
import { keyOfPaths, keyOfRecord, type RecordKey } from '../schema/record-key.ts';
import type { Cycle } from '../state/cycle.ts';
import { recordToWrite } from '../state/plain-record.ts';
import { ReadState } from '../state/read-state.ts';
import { hashState, toHex } from '../state/state-hash.ts';
import type { Transition } from '../state/transition.ts';
import { WriteState } from '../state/write-state.ts';
import { leftBehind } from './left-behind.ts';
import { parseRecordLine } from './record-lines.ts';

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
    const state = this.#isEvolved ? evolveState(base, schema) : base;
    this.#writer = WriteState.restore(state);
    this.#cycle = this.#writer.begin({ mode });
    if (this.#isEvolved && mode === 'changes') {
      for (const { type, ordinal } of leftBehind(base, state)) this.#cycle.remove(type, ordinal);
    }
  }

  /** @throws DatasetError `rejected`: the line is no record of the schema, or no change that this mode has */
  take(text: string): void {
    const line = parseRecordLine(text);
    const { op, type } = line;
    if (typeof type !== 'string' || this.#schema.find(type) === undefined) {
      throw new DatasetError('rejected', `type: there is no type ${JSON.stringify(type) ?? 'given'}`);
    }
    if (op === 'upsert') return this.#upsert(type, line.value);
    if (this.#mode === 'populate') throw new DatasetError('rejected', `${op}: only with --incremental`);
    if (!this.#isKeyed(type)) throw new DatasetError('rejected', `${op}: ${type} has no primary key`);
    reject(type, validateKey(this.#schema, type, line.key, 'key'));
    if (!isPlainObject(line.key)) return;
    const key = keyOfPaths(this.#schema, type, line.key);
    if (op === 'delete') this.#replace(type, key);
    else this.#patch(type, key, line.fields);
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

  #isKeyed(type: string): boolean {
    return this.#schema.keyedTypes.includes(type);
  }

  #upsert(type: string, value: unknown): void {
    reject(type, validateRecord(this.#schema, type, value, 'value'));
    if (this.#isKeyed(type) && isPlainObject(value))
      this.#replace(type, keyOfRecord(this.#schema, type, value));
    this.#cycle.add(type, value);
  }

  /** Of a record that is not there nothing is set, as producers have it. */
  #patch(type: string, key: RecordKey, fields: unknown): void {
    reject(type, validatePatch(this.#schema, type, fields, 'fields'));
    const ordinal = this.#replace(type, key);
    if (ordinal < 0 || !isPlainObject(fields)) return;
    this.#cycle.add(type, { ...recordToWrite(this.#writer.state, type, ordinal), ...fields });
  }

  /** Takes the record with this key away, if there is one, and says where it was; -1: nowhere. */
  #replace(type: string, key: RecordKey): number {
    const name = `${type}:${key.text}`;
    if (this.#seen.has(name))
      throw new DatasetError('rejected', `the key ${key.text} of ${type} was in a line before`);
    this.#seen.add(name);
    if (this.#mode === 'populate') return -1;
    let index = this.#indexes.get(type);
    if (index === undefined) {
      index = UniqueKeyIndex.build(this.#writer.state, type);
      this.#indexes.set(type, index);
    }
    const ordinal = index.findByKey(key.parts);
    if (ordinal >= 0) this.#cycle.remove(type, ordinal);
    return ordinal;
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

function reject(type: string, problem: Problem | null): void {
  if (problem === null) return;
  const { field, reason } = problem;
  throw new DatasetError('rejected', `${type}: ${field}: ${reason}`, { type, field });
}

/** What is published is read back before it is. */
function requireEqual(read: ReadState, meant: ReadState): void {
  const [one, other] = [read, meant].map((state) => toHex(hashState(state, () => true)));
  if (one !== other)
    throw new DatasetError('corrupt', 'the encoded blobs do not read back as what was encoded');
}
