import { printDatasetId } from '../dataset-id.ts';
import { limits } from '../limits.ts';
import type {
  Announcement,
  AnnouncementWatcher,
  Clock,
  DatasetId,
  Random,
  ServedRef,
  Telemetry,
} from '../ports.ts';
import { compareVersions } from './update-plan.ts';

/** What is kept fresh. */
export interface WatchTarget {
  readonly id: DatasetId;
  version(): ServedRef | null;
  /** Reads the head and goes there. Logs and counts its own failures. */
  refresh(): Promise<unknown>;
  /** The slowest poll. Default: {@link limits.pollMsMax}. */
  readonly pollMsMax?: number;
  /** Told of each hint that is news. */
  onHint(hint: Announcement): void;
}

export interface WatchPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
}

/**
 * Refreshes `target` until the signal aborts: at once, on every hint of a version that it does not have, and on a
 * jittered poll, which repairs hints that got lost. Nothing fetched for a hint that is already known.
 *
 * The poll adapts. A version that no hint told of means hints are lost (or there are none): poll twice as often, down to
 * `pollMsMin`. A poll that finds nothing: half as often, up to the slowest. Failures, and hints of a version that the
 * head does not show yet, are retried with full-jitter backoff.
 */
export async function watch(
  target: WatchTarget,
  watchers: readonly AnnouncementWatcher[],
  ports: WatchPorts,
  signal: AbortSignal,
): Promise<void> {
  const hints = new Hints(target, signal);
  const { pollMsMax = limits.pollMsMax } = target;
  await Promise.all([
    keepRefreshing(target, hints, ports, watchers.length > 0 ? pollMsMax : limits.pollMsMin),
    ...watchers.map((watcher) => keepWatching(watcher, hints, ports)),
  ]);
}

/** Why a nap ends. A reason of its own, because the default one costs an exception with a stack. */
const newHint = 'a hint came';

/** The newest hint that the target does not satisfy yet, and the nap that a new one ends. */
class Hints {
  readonly signal: AbortSignal;
  readonly #target: WatchTarget;
  readonly #dataset: string;
  #newest: Announcement | null = null;
  #nap = new AbortController();

  constructor(target: WatchTarget, signal: AbortSignal) {
    this.signal = signal;
    this.#target = target;
    this.#dataset = printDatasetId(target.id);
    signal.addEventListener('abort', () => this.#nap.abort(), { once: true });
  }

  get newest(): Announcement | null {
    return this.#newest;
  }

  receive(hint: Announcement): void {
    if (printDatasetId(hint.id) !== this.#dataset) return;
    const known = this.#newest ?? this.#target.version();
    if (known !== null && compareVersions(hint, known) <= 0) return;
    this.#newest = hint;
    this.#target.onHint(hint);
    this.#nap.abort(newHint);
  }

  /** Takes the newest hint away if the target is there; null if not. */
  takeReached(): Announcement | null {
    const newest = this.#newest;
    const version = this.#target.version();
    if (newest === null || version === null || compareVersions(version, newest) < 0) return null;
    this.#newest = null;
    return newest;
  }

  /** A signal that the next hint aborts. */
  nextNap(): AbortSignal {
    if (this.#nap.signal.aborted && !this.signal.aborted) this.#nap = new AbortController();
    return this.#nap.signal;
  }
}

async function keepRefreshing(
  target: WatchTarget,
  hints: Hints,
  ports: WatchPorts,
  pollMsFirst: number,
): Promise<void> {
  const { clock, random } = ports;
  const { pollMsMax = limits.pollMsMax } = target;
  let pollMs = pollMsFirst;
  let failures = 0;
  let missed = 0;
  while (!hints.signal.aborted) {
    const before = target.version();
    try {
      await target.refresh();
      failures = 0;
    } catch {
      // Counted and logged by the target. A storm of hints must not shorten this wait.
      await clock.sleep(backoffMs(random, failures++), hints.signal);
      continue;
    }
    const reached = hints.takeReached();
    if (reached !== null) {
      ports.telemetry.record('PropagationLagMs', Math.max(0, clock.nowMs() - reached.committedAtMs));
    }
    const after = target.version();
    const hasMoved = after !== null && (before === null || compareVersions(after, before) > 0);
    if (hints.newest === null) {
      missed = 0;
      const isSurprise = hasMoved && before !== null && reached === null;
      pollMs = isSurprise ? Math.max(limits.pollMsMin, pollMs / 2) : Math.min(pollMsMax, pollMs * 2);
      await clock.sleep(pollMs * (0.5 + random.uniform() / 2), hints.nextNap());
    } else {
      await clock.sleep(backoffMs(random, missed++), hints.nextNap());
    }
  }
}

async function keepWatching(watcher: AnnouncementWatcher, hints: Hints, ports: WatchPorts): Promise<void> {
  for (let failures = 0; !hints.signal.aborted; failures++) {
    try {
      await watcher.watch((hint) => hints.receive(hint), hints.signal);
    } catch (error) {
      ports.telemetry.log('warn', 'a watcher of announcements failed', { error });
    }
    if (!hints.signal.aborted) await ports.clock.sleep(backoffMs(ports.random, failures), hints.signal);
  }
}

/** Full jitter: uniform below a bound that doubles up to the slowest poll. */
function backoffMs(random: Random, attempt: number): number {
  const boundMs = Math.min(limits.pollMsMax, limits.refreshBackoffBaseMs * 2 ** Math.min(attempt, 20));
  return random.uniform() * boundMs;
}
