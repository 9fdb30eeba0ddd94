/** What consumers see when the data model changes under them: docs/format.md, "When the data model changes". */
import { describe, expect, it } from 'vitest';
import { applyDelta } from '../../../lib/blob/apply-delta.ts';
import type { EncodedBlob } from '../../../lib/blob/blob-parts.ts';
import { encodeDelta } from '../../../lib/blob/encode-delta.ts';
import { encodeSnapshot } from '../../../lib/blob/encode-snapshot.ts';
import { evolveState } from '../../../lib/blob/evolve-state.ts';
import { defaultChainBounds, planFirstCommit, planNextCommit } from '../../../lib/producer/chain.ts';
import { publish } from '../../../lib/producer/publish.ts';
import { DatasetSchema, schemaIdOf } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { ReadState } from '../../../lib/state/read-state.ts';
import { hashState, toHex } from '../../../lib/state/state-hash.ts';
import { WriteState } from '../../../lib/state/write-state.ts';
import { MemoryCloud } from '../../support/memory-cloud.ts';
import { mutate, noParts, noTags, type PlainRecord } from '../../support/writer-model.ts';

const before = 'City @PrimaryKey(id) { int id; int size; Note note; } Note { string text; }';
const grown =
  'City @PrimaryKey(id) { int id; int size; Note note; int age; } Note { string text; } New { int n; }';
const shrunk = 'City @PrimaryKey(id) { int id; int size; }';

/** A producer whose schema may change from one version to the next. */
class Chain {
  readonly cloud = new MemoryCloud();
  #state = ReadState.empty(DatasetSchema.of([]));
  #cid = '';

  async commit(schemaText: string, cities: readonly PlainRecord[], { withSnapshot = false } = {}) {
    const { cloud } = this;
    const schema = DatasetSchema.of(parseSchemas(schemaText));
    const base = this.#cid === '' ? ReadState.empty(schema) : evolveState(this.#state, schema);
    const cycle = WriteState.restore(base).begin();
    mutate(
      cycle,
      base,
      'City',
      cities.map((value) => ({ value })),
    );
    const delta = encodeDelta(cycle.transition(), { tag: base.tag + 2n, headerTags: noTags, parts: noParts });
    this.#state = applyDelta(base, delta.main).state;
    const data = toHex(hashState(this.#state, () => true));
    const facts = { schemaId: schemaIdOf(schema), hashes: { data, bookkeeping: '0'.repeat(32) } };
    const head = await cloud.heads.load(cloud.id, 'strong');
    const version = (head?.version ?? 0) + 1;
    const next = { version, cid: String(version).padStart(32, '0'), size: 1, ...facts };
    const snapshot = encodeSnapshot(this.#state, { parts: noParts });
    if (head === null) {
      await this.#publish('snapshot', snapshot, next);
      await cloud.heads.commit(cloud.id, planFirstCommit(next, { size: 1, writtenAtMs: 0 }));
    } else {
      await this.#publish('delta', delta, next);
      await cloud.heads.commit(cloud.id, planNextCommit(head, next, defaultChainBounds));
      if (withSnapshot) await this.#publish('snapshot', snapshot, next);
    }
    const committed = await cloud.heads.load(cloud.id, 'strong');
    if (withSnapshot && committed !== null) {
      const entry = { version, cid: next.cid, hash: data, size: 1, writtenAtMs: 0 };
      await cloud.heads.registerSnapshot(cloud.id, committed.era, entry);
    }
    this.#cid = next.cid;
  }

  async #publish(
    kind: 'snapshot' | 'delta',
    blob: EncodedBlob,
    next: { version: number; cid: string; schemaId: string; hashes: { data: string; bookkeeping: string } },
  ): Promise<void> {
    const { id, blobs } = this.cloud;
    const { version: toVersion, cid } = next;
    const isDelta = kind === 'delta';
    const name = isDelta
      ? ({ kind, id, mapGeneration: 1, fromVersion: toVersion - 1, toVersion, cid } as const)
      : ({ kind: 'snapshot', id, mapGeneration: 1, toVersion, cid } as const);
    await publish(blobs, name, blob, { ...next, from: isDelta ? { cid: this.#cid, era: 1 } : null });
  }
}

const note = { text: 'n' };

describe('a producer that adds a field and a type', () => {
  it('is followed over the snapshot that it writes with it, which has them', async () => {
    const chain = new Chain();
    await chain.commit(before, [{ id: 1, size: 1, note }]);
    const consumer = chain.cloud.consumer();
    await consumer.refresh();
    const held = consumer.get('City', 1);
    await chain.commit(grown, [{ id: 2, size: 2, note, age: 7 }], { withSnapshot: true });
    await consumer.refresh();
    expect(consumer.version?.version).toBe(2);
    expect(consumer.get('City', 2).toObject()).toEqual({ id: 2, size: 2, note: 'n', age: 7 });
    expect(consumer.get('City', 1)['age']).toBeNull();
    expect(consumer.state.type('New').count).toBe(0);
    expect(Object.keys(held.toObject())).toEqual(['id', 'size', 'note']);
    await chain.commit(grown, [{ id: 3, size: 3, note, age: 8 }]);
    await consumer.refresh();
    expect(consumer.get('City', 3)['age']).toBe(8);
    expect(chain.cloud.telemetry.values('SnapshotsLoaded')).toEqual([1, 1]);
  });

  it('but writes no snapshot keeps its readers where they are, and says so: their hash is not that of the data', async () => {
    const chain = new Chain();
    await chain.commit(before, [{ id: 1, size: 1, note }]);
    const consumer = chain.cloud.consumer();
    await consumer.refresh();
    await chain.commit(grown, [{ id: 2, size: 2, note, age: 7 }]);
    await expect(consumer.refresh()).rejects.toMatchObject({ kind: 'corrupt' });
    expect(consumer.version?.version).toBe(1);
    // One that loads less has no hash to tell, but sees that the schema is another.
    const filter = [{ exclude: 'Note' }, { exclude: 'City', field: 'note' }];
    const filtered = chain.cloud.consumer({ filter });
    await expect(filtered.refresh()).rejects.toMatchObject({ kind: 'corrupt' });
    await chain.commit(grown, [], { withSnapshot: true });
    await filtered.refresh();
    expect(filtered.get('City', 2).toObject()).toEqual({ id: 2, size: 2, age: 7 });
  });
});

describe('a producer that removes a field and a type', () => {
  it('is followed over its snapshot, by a reader with a filter too', async () => {
    const chain = new Chain();
    await chain.commit(before, [{ id: 1, size: 1, note }]);
    const consumers = [
      chain.cloud.consumer(),
      chain.cloud.consumer({ filter: [{ exclude: 'City', field: 'size' }] }),
    ];
    for (const consumer of consumers) await consumer.refresh();
    await chain.commit(shrunk, [{ id: 2, size: 2 }], { withSnapshot: true });
    for (const consumer of consumers) {
      await consumer.refresh();
      expect(consumer.state.read.typeNames).toEqual(['City']);
      expect(consumer.state.type('City').count).toBe(2);
    }
    expect(consumers.map((consumer) => consumer.get('City', 2).toObject())).toEqual([
      { id: 2, size: 2 },
      { id: 2 },
    ]);
  });

  it('leaves, without a snapshot, what no reader of deltas could know: they refuse it', async () => {
    const chain = new Chain();
    await chain.commit(before, [{ id: 1, size: 1, note }]);
    const consumers = [chain.cloud.consumer(), chain.cloud.consumer({ filter: [{ exclude: 'Note' }] })];
    for (const consumer of consumers) await consumer.refresh();
    await chain.commit(shrunk, [{ id: 2, size: 2 }]);
    for (const consumer of consumers) {
      await expect(consumer.refresh()).rejects.toMatchObject({ kind: 'corrupt' });
      expect(consumer.version?.version).toBe(1);
      expect(consumer.get('City', 1)['size']).toBe(1);
    }
  });
});
