import { describe, expect, it } from 'vitest';
import { DatasetError } from '../../../lib/errors.ts';
import { limits } from '../../../lib/limits.ts';
import type { ChainHeads, CommitOutcome, CommitProposal, Head } from '../../../lib/ports.ts';
import { deleteCity, MemoryCloud, plentyOfTime, upsertCity } from '../../support/memory-cloud.ts';

type Turn = 'real' | 'conflict' | 'applied, no answer' | 'lost' | 'denied' | 'conflict with itself';

/** A head store that does to each commit what the script says, and then what is right. */
class ScriptedHeads implements ChainHeads {
  readonly proposals: CommitProposal[] = [];
  loadCount = 0;
  readonly #real: ChainHeads;
  readonly #script: Turn[];
  readonly #rival: () => Promise<void>;

  constructor(
    real: ChainHeads,
    script: readonly Turn[],
    rival: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.#real = real;
    this.#script = [...script];
    this.#rival = rival;
  }

  load(...args: Parameters<ChainHeads['load']>): Promise<Head | null> {
    this.loadCount += 1;
    return this.#real.load(...args);
  }

  registerSnapshot(...args: Parameters<ChainHeads['registerSnapshot']>): Promise<CommitOutcome> {
    return this.#real.registerSnapshot(...args);
  }

  async commit(...args: Parameters<ChainHeads['commit']>): Promise<CommitOutcome> {
    const [id, proposal] = args;
    this.proposals.push(proposal);
    switch (this.#script.shift() ?? 'real') {
      case 'real':
        return this.#real.commit(...args);
      case 'conflict':
        await this.#rival();
        return this.#real.commit(...args);
      case 'applied, no answer':
        await this.#real.commit(...args);
        throw new DatasetError('unavailable', 'no answer');
      case 'conflict with itself':
        await this.#real.commit(...args);
        return { kind: 'conflict', head: await this.#real.load(id, 'strong') };
      case 'lost':
        throw new DatasetError('unavailable', 'no answer');
      case 'denied':
        throw new DatasetError('denied', 'no permission');
    }
  }
}

function setUp(script: readonly Turn[], rivalry?: (cloud: MemoryCloud) => Promise<void>) {
  const cloud = new MemoryCloud();
  const heads = new ScriptedHeads(cloud.heads, script, rivalry && (() => rivalry(cloud)));
  const producer = cloud.producer({ heads, clock: cloud.instantClock });
  const process = (...mutations: readonly object[]) =>
    producer.process([cloud.message({ mutations })], plentyOfTime);
  const version = async (): Promise<number> => (await cloud.heads.load(cloud.id, 'strong'))?.version ?? 0;
  return { cloud, heads, producer, process, version };
}

describe('the commit loop', () => {
  it('reads, plans and commits once when nobody is in the way', async () => {
    const { heads, process, version } = setUp([]);
    await process(upsertCity(1, 'Utrecht'));
    expect(heads.proposals).toHaveLength(1);
    expect(heads.loadCount).toBe(1);
    expect(await version()).toBe(1);
  });

  it('plans again on the winner’s state after a conflict', async () => {
    const rival = (cloud: MemoryCloud): Promise<void> => cloud.commit(upsertCity(7, 'the rival’s'));
    const { cloud, heads, process } = setUp(['real', 'conflict'], rival);
    await process(upsertCity(1, 'Utrecht'));
    const { failed } = await process(upsertCity(2, 'Delft'));
    expect(failed).toEqual([]);
    expect(heads.proposals.map((proposal) => proposal.version)).toEqual([1, 2, 3]);
    const reader = cloud.consumer();
    await reader.refresh();
    expect([1, 2, 7].map((key) => reader.find('City', key)?.toObject()['name'])).toEqual([
      'Utrecht',
      'Delft',
      'the rival’s',
    ]);
  });

  it('commits nothing when the winner brought in the very same', async () => {
    const same = { ...upsertCity(1, 'same'), order: { timestamp: 5, source: 'app', sequence: 0 } };
    const { process, version } = setUp(['conflict'], (cloud) => cloud.commit(same));
    expect((await process(same)).failed).toEqual([]);
    expect(await version()).toBe(1);
  });

  it.each<Turn>(['applied, no answer', 'conflict with itself'])(
    'takes an own commit for done when it was %s',
    async (turn) => {
      const { cloud, heads, process, version } = setUp([turn]);
      expect((await process(upsertCity(1, 'Utrecht'))).failed).toEqual([]);
      expect(heads.proposals).toHaveLength(1);
      expect(await version()).toBe(1);
      expect(cloud.telemetry.sum('Commits')).toBe(1);
    },
  );

  it('tries again with a new commit id when the commit got lost', async () => {
    const { heads, process, version } = setUp(['lost', 'lost']);
    expect((await process(upsertCity(1, 'Utrecht'))).failed).toEqual([]);
    expect(await version()).toBe(1);
    expect(new Set(heads.proposals.map((proposal) => proposal.cid)).size).toBe(3);
  });

  it('gives the batch back when attempts run out, and takes it the next time', async () => {
    const { cloud, heads, process, version } = setUp(Array<Turn>(limits.commitAttemptsMax).fill('lost'));
    const { acknowledged, failed } = await process(upsertCity(1, 'Utrecht'));
    expect(acknowledged).toEqual([]);
    expect(failed[0]?.reason).toMatch(/^unavailable/);
    expect(heads.proposals).toHaveLength(limits.commitAttemptsMax);
    expect(cloud.telemetry.sum('CommitsUnknown')).toBe(limits.commitAttemptsMax);
    expect((await process(upsertCity(1, 'Utrecht'))).failed).toEqual([]);
    expect(await version()).toBe(1);
  });

  it('does not try again what is denied', async () => {
    const { heads, process } = setUp(['denied']);
    const { failed } = await process(upsertCity(1, 'Utrecht'));
    expect(failed[0]?.reason).toMatch(/^denied/);
    expect(heads.proposals).toHaveLength(1);
  });

  it('keeps its state as it was until the commit is known', async () => {
    const lost = Array<Turn>(limits.commitAttemptsMax).fill('lost');
    const { cloud, process, producer } = setUp(['real', ...lost]);
    await process(upsertCity(1, 'Utrecht'));
    expect((await process(deleteCity(1), upsertCity(2, 'never'))).failed).toHaveLength(1);
    expect(producer.version?.version).toBe(1);
    await process(upsertCity(3, 'Delft'));
    const reader = cloud.consumer();
    await reader.refresh();
    expect(reader.find('City', 1)).toBeDefined();
    expect(reader.find('City', 2)).toBeUndefined();
    expect(reader.find('City', 3)).toBeDefined();
  });

  it('stops before the time is up', async () => {
    const { cloud } = setUp([]);
    let remainingMs = 10_000;
    const heads = new ScriptedHeads(cloud.heads, Array<Turn>(20).fill('lost'));
    const clock = { ...cloud.instantClock, sleep: () => Promise.resolve(void (remainingMs -= 3_000)) };
    const producer = cloud.producer({ heads, clock });
    const { failed } = await producer.process([cloud.message(upsertCity(1, 'Utrecht'))], {
      remainingMs: () => remainingMs,
    });
    expect(failed[0]?.reason).toBe('unavailable: no time left for a round');
    expect(heads.proposals).toHaveLength(3);
  });

  it('refuses a sealed chain', async () => {
    const { cloud } = setUp([]);
    await cloud.commit(upsertCity(1, 'Utrecht'));
    const head = await cloud.heads.load(cloud.id, 'strong');
    const sealed: ChainHeads = {
      load: async () => head && { ...head, status: 'sealed' },
      commit: (...args) => cloud.heads.commit(...args),
      registerSnapshot: (...args) => cloud.heads.registerSnapshot(...args),
    };
    const { failed } = await cloud
      .producer({ heads: sealed })
      .process([cloud.message(upsertCity(2, 'Delft'))], plentyOfTime);
    expect(failed[0]?.reason).toMatch(/^refused/);
  });

  it('starts over from a snapshot when a delta on its way is gone', async () => {
    const { cloud } = setUp([]);
    const own = cloud.producer({ clock: cloud.instantClock });
    await own.process([cloud.message(upsertCity(1, 'Utrecht'))], plentyOfTime);
    await cloud.commit(upsertCity(2, 'Delft'));
    const damaged = cloud.producer({
      clock: cloud.instantClock,
      blobs: {
        put: (...args) => cloud.blobs.put(...args),
        get: async (name) => (name.includes('/delta/') ? null : cloud.blobs.get(name)),
      },
    });
    const { failed } = await damaged.process([cloud.message(upsertCity(3, 'Gouda'))], plentyOfTime);
    // There is no newer snapshot, so this cannot succeed: but it says why, and loses nothing.
    expect(failed[0]?.reason).toMatch(/^corrupt: .*missing/);
    const { failed: none } = await own.process([cloud.message(upsertCity(3, 'Gouda'))], plentyOfTime);
    expect(none).toEqual([]);
  });

  it('survives a call that was frozen half way while the next one ran', async () => {
    const cloud = new MemoryCloud();
    await cloud.commit(upsertCity(0, 'first'));
    let thaw: () => void = () => undefined;
    let isFrozen = true;
    const frozen = new Promise<void>((resolve) => {
      thaw = resolve;
    });
    const producer = cloud.producer({
      clock: cloud.instantClock,
      heads: {
        load: (...args) => cloud.heads.load(...args),
        registerSnapshot: (...args) => cloud.heads.registerSnapshot(...args),
        commit: async (...args) => {
          if (isFrozen) {
            isFrozen = false;
            await frozen;
          }
          return cloud.heads.commit(...args);
        },
      },
    });
    const zombie = producer.process([cloud.message(upsertCity(1, 'zombie'))], plentyOfTime);
    await new Promise((resolve) => setImmediate(resolve));
    await producer.process([cloud.message(upsertCity(2, 'next'))], plentyOfTime);
    thaw();
    expect((await zombie).failed).toEqual([]);
    await producer.process([cloud.message(upsertCity(3, 'last'))], plentyOfTime);
    const reader = cloud.consumer();
    await reader.refresh();
    expect(reader.state.type('City').count).toBe(4);
    expect(producer.version).toEqual(reader.version);
  });
});
