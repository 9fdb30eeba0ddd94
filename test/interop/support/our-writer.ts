import { type AppliedDelta, applyDelta } from '../../../lib/blob/apply-delta.ts';
import type { EncodedBlob } from '../../../lib/blob/blob-parts.ts';
import { encodeDelta, encodeReverseDelta } from '../../../lib/blob/encode-delta.ts';
import { encodeSnapshot } from '../../../lib/blob/encode-snapshot.ts';
import { UniqueKeyIndex } from '../../../lib/indexes/unique-key.ts';
import type { CycleOptions } from '../../../lib/state/cycle.ts';
import { ReadState } from '../../../lib/state/read-state.ts';
import { WriteState } from '../../../lib/state/write-state.ts';
import type { RandomSchema } from './random-schema.ts';
import { canonical, objectOf, type RecordValue, toEngineValue } from './record-value.ts';

export type RootRecords = Readonly<Record<string, readonly RecordValue[]>>;

/** The blobs of one version. */
export interface WrittenVersion {
  readonly delta: EncodedBlob;
  readonly reverseDelta: EncodedBlob;
  readonly snapshot: EncodedBlob;
}

export interface WriteOptions extends CycleOptions {
  readonly tag: bigint;
  readonly headerTags: ReadonlyMap<string, string>;
  readonly parts?: ReadonlyMap<string, readonly string[]>;
}

/** Our engine as a producer of whole states: each version holds exactly the given roots. */
export class OurWriter {
  readonly #model: RandomSchema;
  #writer: WriteState;

  /** @param from null: starts a chain */
  constructor(model: RandomSchema, from: ReadState | null) {
    this.#model = model;
    this.#writer = WriteState.restore(from ?? ReadState.empty(model.schema));
  }

  get state(): ReadState {
    return this.#writer.state;
  }

  /** Follows a version that another writer made. */
  advance({ state, changes }: AppliedDelta): void {
    this.#writer.advance(state, changes);
  }

  /** @param before the roots of the present state: for the mode `changes`, which is told the difference */
  write(before: RootRecords, after: RootRecords, options: WriteOptions): WrittenVersion {
    const cycle = this.#writer.begin(options);
    for (const [type, records] of Object.entries(after)) {
      const old = options.mode === 'populate' ? new Map() : this.#byText(type, before[type] ?? []);
      const kept = new Set<string>();
      for (const record of records) {
        const text = canonical(this.#model.schema, type, record);
        kept.add(text);
        if (!old.has(text)) cycle.add(type, toEngineValue(this.#model.schema, type, record));
      }
      const gone = [...old].filter(([text]) => !kept.has(text)).map(([, record]) => record);
      for (const ordinal of this.#ordinalsOf(type, gone)) cycle.remove(type, ordinal);
    }
    const transition = cycle.transition();
    const { tag, headerTags, parts = new Map() } = options;
    const delta = encodeDelta(transition, { tag, headerTags, parts });
    const reverseDelta = encodeReverseDelta(transition, { tag, parts });
    this.advance(applyDelta(this.state, delta.main, delta.parts));
    const snapshot = encodeSnapshot(this.state, { parts, statistics: this.#writer.statistics });
    return { delta, reverseDelta, snapshot };
  }

  #byText(type: string, records: readonly RecordValue[]): Map<string, RecordValue> {
    return new Map(records.map((record) => [canonical(this.#model.schema, type, record), record]));
  }

  #ordinalsOf(type: string, records: readonly RecordValue[]): readonly number[] {
    const index = UniqueKeyIndex.build(this.state, type);
    return records.map((record) => index.findByKey(this.#keyOf(type, record)));
  }

  #keyOf(type: string, record: RecordValue): readonly (string | number | bigint)[] {
    return this.#model.schema.getObject(type).primaryKey.map((path, i) => {
      const value = objectOf(record)[path] ?? null;
      const part = typeof value === 'object' ? objectOf(value)['value'] : value;
      if (typeof part !== 'string' && typeof part !== 'number') throw new TypeError(`${type}.${path}`);
      const isLong = this.#model.schema.keyPaths(type)[i]?.leafKind === 'LONG';
      return isLong ? BigInt(part) : part;
    });
  }
}
