import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDatasetError } from '../../lib/errors.ts';
import { pinVersion, removeExpiredPins, removePin } from '../../lib/housekeeping/pins.ts';
import { restoreChain } from '../../lib/housekeeping/restore.ts';
import { serve } from '../../lib/housekeeping/rollback.ts';
import { MemoryHeadStore } from '../../lib/memory/head-store.ts';
import type { Head, HeadStore } from '../../lib/ports.ts';
import { UpkeepCloud } from '../support/upkeep.ts';

type Step =
  | {
      readonly do:
        | 'commit'
        | 'snapshot'
        | 'clean'
        | 'stale clean'
        | 'expire'
        | 'serve head'
        | 'remember'
        | 'restore';
    }
  | { readonly do: 'pin' | 'unpin' | 'serve'; readonly name: string; readonly back: number };

const names = fc.constantFrom('a', 'b', 'c');
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant<Step>({ do: 'commit' }) },
    {
      weight: 4,
      arbitrary: fc.constantFrom<Step>(
        { do: 'snapshot' },
        { do: 'clean' },
        { do: 'stale clean' },
        { do: 'expire' },
        { do: 'serve head' },
        { do: 'remember' },
      ),
    },
    { weight: 1, arbitrary: fc.constant<Step>({ do: 'restore' }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom('pin' as const, 'unpin' as const, 'serve' as const),
        name: names,
        back: fc.nat(3),
      }),
    },
  ),
  { minLength: 5, maxLength: 25 },
);

/** A table that can be set back, and cleaners that look at it too early. */
class World extends UpkeepCloud {
  #table = new MemoryHeadStore();
  #remembered: Head | null = null;
  #stale: Head | null = null;
  #count = 0;

  get table(): HeadStore {
    return this.#table;
  }

  async run(step: Step): Promise<void> {
    const { id, blobs, clock, telemetry, announcements: announcer, floors } = this;
    const heads = this.#table;
    const ports = { heads, blobs, clock, telemetry, announcer, floors };
    const head = await heads.load(id, 'strong');
    switch (step.do) {
      case 'commit':
        await clock.advance(10);
        return void (await this.producer({ heads, clock: this.instantClock }).process(
          [
            this.message({
              mutations: [{ op: 'upsert', type: 'City', value: { cityId: 1, name: `n${this.#count++}` } }],
            }),
          ],
          { remainingMs: () => 60_000 },
        ));
      case 'snapshot':
        return this.snapshotOf(heads);
      case 'clean':
        this.#stale = head;
        return void (await this.cleanOn(heads));
      case 'stale clean': {
        // It read the head long ago; everything after that it does now.
        const seen = this.#stale;
        let isFirst = true;
        const early: HeadStore = Object.assign(Object.create(heads), {
          load: async (...args: Parameters<HeadStore['load']>) => {
            if (isFirst && seen !== null) {
              isFirst = false;
              return seen;
            }
            return heads.load(...args);
          },
          raiseFloor: heads.raiseFloor.bind(heads),
        });
        return void (await this.cleanOn(early));
      }
      case 'expire':
        return void (await removeExpiredPins(heads, id, clock.nowMs()));
      case 'serve head':
        return void (await serve(ports, id, null));
      case 'serve':
        return void (await serve(ports, id, step.name));
      case 'pin':
        return void (await pinVersion(ports, id, {
          name: step.name,
          version: Math.max(1, (head?.version ?? 1) - step.back),
          ...(step.back === 0 ? {} : { forMs: 5 }),
        }));
      case 'unpin':
        return removePin(heads, id, step.name);
      case 'remember':
        this.#remembered = head;
        return;
      case 'restore': {
        if (this.#remembered === null) return;
        const restored = new MemoryHeadStore();
        await restored.replace(id, null, this.#remembered);
        await restoreChain({ ...ports, heads: restored }, id);
        this.#table = restored;
      }
    }
  }

  async requireSound(before: Head | null): Promise<void> {
    const head = await this.#table.load(this.id, 'strong');
    if (head === null) return;
    await this.requireReadableAt(head);
    if (before === null || before.era !== head.era) return;
    expect(head.version).toBeGreaterThanOrEqual(before.version);
    expect(head.floor).toBeGreaterThanOrEqual(before.floor);
    expect(head.pinRevision).toBeGreaterThanOrEqual(before.pinRevision);
    expect(head.serve.epoch).toBeGreaterThanOrEqual(before.serve.epoch);
  }
}

test('whatever housekeeping does in whatever order, what the head promises is readable and nothing goes back', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (plan) => {
      const world = new World();
      for (const step of plan) {
        const before = await world.table.load(world.id, 'strong');
        try {
          await world.run(step);
        } catch (error) {
          // Refused is an answer; anything else is a failure of this test.
          if (!isDatasetError(error, 'refused') && !isDatasetError(error, 'conflict')) throw error;
        }
        await world.requireSound(before);
      }
    }),
    { numRuns: 60 },
  );
});
