import { DatasetError, isDatasetError } from '../errors.ts';
import { limits } from '../limits.ts';
import type {
  Announcer,
  BlobStore,
  ChainHeads,
  Clock,
  LateQueue,
  Quarantine,
  Random,
  Telemetry,
} from '../ports.ts';

interface BreakerPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
}

/**
 * Spares a dependency that is down, and whoever waits for it. After some failures in a row calls are refused without being
 * made (`unavailable`, so they are retried like any other failure); after a pause one of them is let through as a probe.
 * If it succeeds all are let through again, if not the pause doubles. Only `unavailable` is a failure: any other answer
 * shows that somebody is there.
 */
export class Breaker {
  readonly #name: string;
  readonly #ports: BreakerPorts;
  #failures = 0;
  #openUntilMs = 0;
  #isProbing = false;

  constructor(name: string, ports: BreakerPorts) {
    this.#name = name;
    this.#ports = ports;
  }

  async run<T>(call: () => Promise<T>): Promise<T> {
    const isOpen = this.#failures >= limits.breakerFailuresMax;
    const { clock } = this.#ports;
    if (isOpen && (clock.monotonicMs() < this.#openUntilMs || this.#isProbing)) {
      throw new DatasetError(
        'unavailable',
        `${this.#name} is not called: it failed ${this.#failures} times in a row`,
      );
    }
    // A call from before it opened may still end: the probe is over when the probe is.
    if (isOpen) this.#isProbing = true;
    try {
      const result = await call();
      this.#close();
      return result;
    } catch (error) {
      if (isDatasetError(error, 'unavailable')) this.#fail();
      else this.#close();
      throw error;
    } finally {
      if (isOpen) this.#isProbing = false;
    }
  }

  #close(): void {
    if (this.#failures >= limits.breakerFailuresMax) {
      this.#ports.telemetry.log('info', 'a dependency is called again', { dependency: this.#name });
    }
    this.#failures = 0;
  }

  #fail(): void {
    const { clock, random, telemetry } = this.#ports;
    this.#failures += 1;
    const times = this.#failures - limits.breakerFailuresMax;
    if (times < 0) return;
    const pauseMs = Math.min(limits.breakerPauseMsMax, limits.breakerPauseMsMin * 2 ** times);
    // At least half of it: several producers must not all probe at once, and none at once after it failed.
    this.#openUntilMs = clock.monotonicMs() + pauseMs * (0.5 + random.uniform() / 2);
    telemetry.record('BreakersOpened', 1);
    telemetry.log('error', 'a dependency is not called for a while', { dependency: this.#name, pauseMs });
  }
}

interface Guarded {
  readonly heads: ChainHeads;
  readonly blobs: BlobStore;
  readonly announcer: Announcer;
  readonly quarantine: Quarantine;
  readonly lateQueue: LateQueue;
}

/** The ports of a producer, each behind a breaker of its own. */
export function guardPorts(ports: Guarded & BreakerPorts): Guarded {
  const { heads, blobs, announcer, quarantine, lateQueue } = ports;
  const [table, bucket, bus, bad, late] = ['heads', 'blobs', 'announcer', 'quarantine', 'late queue'].map(
    (name) => new Breaker(name, ports),
  ) as [Breaker, Breaker, Breaker, Breaker, Breaker];
  return {
    heads: {
      load: (id, consistency) => table.run(() => heads.load(id, consistency)),
      commit: (id, proposal) => table.run(() => heads.commit(id, proposal)),
      registerSnapshot: (id, era, snapshot) => table.run(() => heads.registerSnapshot(id, era, snapshot)),
    },
    blobs: {
      put: (name, bytes, metadata) => bucket.run(() => blobs.put(name, bytes, metadata)),
      get: (name, sizeMax) => bucket.run(() => blobs.get(name, sizeMax)),
    },
    announcer: { announce: (announcement) => bus.run(() => announcer.announce(announcement)) },
    quarantine: { send: (id, entries) => bad.run(() => quarantine.send(id, entries)) },
    lateQueue: { send: (id, entries) => late.run(() => lateQueue.send(id, entries)) },
  };
}
