import { describe, expect, it } from 'vitest';
import { type WatchTarget, watch } from '../../../lib/consumer/watch.ts';
import { DatasetError } from '../../../lib/errors.ts';
import { limits } from '../../../lib/limits.ts';
import { MemoryAnnouncements } from '../../../lib/memory/announcements.ts';
import { VirtualClock } from '../../../lib/memory/clock.ts';
import { SeededRandom } from '../../../lib/memory/random.ts';
import { MemoryTelemetry } from '../../../lib/memory/telemetry.ts';
import type { Announcement, AnnouncementWatcher, DatasetId, ServedRef } from '../../../lib/ports.ts';

const id: DatasetId = { dataset: 'cities', partition: 0 };
const ref = (version: number, era = 1): ServedRef => ({
  era,
  epoch: 0,
  version,
  cid: String(version).padStart(32, '0'),
});

/** A dataset whose committed version a test sets, and a reader of it that counts what it costs. */
class FakeTarget implements WatchTarget {
  readonly id = id;
  loaded: ServedRef | null = null;
  committed = 1;
  refreshCount = 0;
  failing = false;
  hintCount = 0;
  readonly pollMsMax: number;

  constructor(pollMsMax: number = limits.pollMsMax) {
    this.pollMsMax = pollMsMax;
  }

  async refresh(): Promise<void> {
    this.refreshCount += 1;
    if (this.failing) throw new DatasetError('unavailable', 'down');
    this.loaded = ref(this.committed);
  }

  version(): ServedRef | null {
    return this.loaded;
  }

  onHint(): void {
    this.hintCount += 1;
  }
}

function setUp(
  watchers: (own: MemoryAnnouncements) => readonly AnnouncementWatcher[] = (own) => [own],
  pollMsMax?: number,
) {
  const clock = new VirtualClock();
  const telemetry = new MemoryTelemetry();
  const target = new FakeTarget(pollMsMax);
  const announcements = new MemoryAnnouncements();
  const stop = new AbortController();
  const ports = { clock, telemetry, random: new SeededRandom(1) };
  const done = watch(target, watchers(announcements), ports, stop.signal);
  const hint = (version: number, more: Partial<Announcement> = {}): Promise<void> =>
    announcements.announce({
      id,
      ...ref(version),
      mapGeneration: 1,
      previousCid: '',
      hash: '',
      size: 0,
      snapshotVersion: 1,
      committedAtMs: clock.nowMs(),
      correlationIds: [],
      ...more,
    });
  return { clock, telemetry, target, hint, stop: () => stop.abort(), done };
}

describe('watch', () => {
  it('refreshes at once, then on each hint of a newer version', async () => {
    const { clock, target, hint } = setUp();
    await clock.advance(0);
    expect(target.loaded).toEqual(ref(1));
    target.committed = 2;
    await hint(2);
    await clock.advance(0);
    expect(target.loaded).toEqual(ref(2));
    expect(target.refreshCount).toBe(2);
  });

  it('pays nothing for a hint it already knows, an older one, or one of another dataset', async () => {
    const { clock, target, hint } = setUp();
    target.committed = 5;
    await hint(5);
    await clock.advance(200);
    expect(target.loaded).toEqual(ref(5));
    const before = target.refreshCount;
    await hint(5);
    await hint(4);
    await hint(9, { id: { dataset: 'other', partition: 0 } });
    await hint(9, { id: { ...id, partition: 1 } });
    await clock.advance(1_000);
    expect(target.refreshCount).toBe(before);
    expect(target.hintCount).toBe(1);
  });

  it('takes a newer era for newer although its version is lower', async () => {
    const { clock, target, hint } = setUp();
    target.committed = 5;
    await hint(5);
    await clock.advance(200);
    const before = target.refreshCount;
    await hint(2, { era: 2 });
    await clock.advance(0);
    expect(target.refreshCount).toBe(before + 1);
  });

  it('records how long a version took to arrive', async () => {
    const { clock, target, hint, telemetry } = setUp();
    await clock.advance(0);
    target.committed = 2;
    await hint(2, { committedAtMs: clock.nowMs() - 70 });
    await clock.advance(0);
    expect(telemetry.values('PropagationLagMs')).toEqual([70]);
  });

  it('keeps asking, with backoff, for a hinted version that the head does not show yet', async () => {
    const { clock, target, hint } = setUp();
    await clock.advance(0);
    await hint(2);
    await clock.advance(2_000);
    const early = target.refreshCount;
    expect(early).toBeGreaterThan(3);
    await clock.advance(600_000);
    // A hint that never comes true costs no more than the poll would.
    expect(target.refreshCount - early).toBeLessThan(80);
    target.committed = 2;
    await clock.advance(limits.pollMsMax);
    expect(target.loaded).toEqual(ref(2));
  });

  it('repairs a lost hint by polling, and polls more often while hints get lost', async () => {
    const { clock, target } = setUp();
    await clock.advance(0);
    target.committed = 2;
    await clock.advance(limits.pollMsMax);
    expect(target.loaded).toEqual(ref(2));
    for (let version = 3; version < 10; version++) {
      target.committed = version;
      await clock.advance(limits.pollMsMax);
    }
    const before = target.refreshCount;
    for (let second = 0; second < 60; second++) {
      target.committed += 1;
      await clock.advance(1_000);
    }
    expect(target.refreshCount - before).toBeGreaterThan(20);
  });

  it('calms down to the slowest poll when there is nothing new', async () => {
    const { clock, target } = setUp(() => []);
    await clock.advance(300_000);
    const before = target.refreshCount;
    await clock.advance(10 * limits.pollMsMax);
    expect(target.refreshCount - before).toBeGreaterThanOrEqual(10);
    expect(target.refreshCount - before).toBeLessThanOrEqual(20);
  });

  it('sees a version in time without a hint of its own where others take the hints', async () => {
    const { clock, target } = setUp((own) => [own], 2_000);
    await clock.advance(300_000);
    const before = target.refreshCount;
    for (let version = 2; version < 12; version++) {
      target.committed = version;
      await clock.advance(2_000);
      expect(target.loaded).toEqual(ref(version));
    }
    await clock.advance(600_000);
    expect(target.refreshCount - before, 'a read for each second or two').toBeGreaterThan(300);
  });

  it('backs off while refreshes fail, whatever hints say, and recovers', async () => {
    const { clock, target, hint } = setUp();
    target.failing = true;
    for (let second = 0; second < 600; second++) {
      await hint(second);
      await clock.advance(1_000);
    }
    expect(target.refreshCount).toBeLessThan(80);
    target.failing = false;
    await clock.advance(limits.pollMsMax);
    expect(target.loaded).not.toBeNull();
  });

  it('starts a watcher again that failed', async () => {
    let starts = 0;
    const broken: AnnouncementWatcher = {
      watch: async () => {
        starts += 1;
        throw new DatasetError('unavailable', 'cut off');
      },
    };
    const { clock, telemetry } = setUp(() => [broken]);
    await clock.advance(10_000);
    expect(starts).toBeGreaterThan(3);
    expect(telemetry.lines('warn')).toHaveLength(starts);
  });

  it('stops when told, also in the middle of a nap', async () => {
    const { clock, stop, done, target } = setUp();
    await clock.advance(5);
    stop();
    await done;
    expect(clock.sleeperCount).toBe(0);
    expect(target.refreshCount).toBe(1);
  });
});
