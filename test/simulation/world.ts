/**
 * Deterministic simulation of the real Producer and Consumer: same seed, same run, to the last event.
 *
 *   world.ts        virtual time and the one queue of events (this file)
 *   process.ts      a process that can crash and freeze; its clock and its randomness
 *   network.ts      calls between processes and stores: lost, late, repeated, unknown
 *   faults.ts       which faults a seed has, and how often
 *   stores.ts       head, blobs, queue, bus, quarantine as the processes see them
 *   traffic.ts      what the applications send
 *   oracle.ts       what must come out, worked out in the plainest way
 *   invariants.ts   what must hold after every write
 *   mutants.ts      protocols that are wrong on purpose: each must be caught
 *   simulate.ts     one run
 *   main.ts         `npm run sim -- --seed 7 --trace`
 */
import { createHash } from 'node:crypto';
import { SeededRandom } from '../../lib/memory/random.ts';

interface Scheduled {
  readonly atMs: number;
  /** Draws the order of what happens at the same time. */
  readonly tie: number;
  readonly order: number;
  readonly label: string;
  readonly run: () => Promise<void> | void;
}

/** The last lines that are kept for the message of a failure. */
const lastLinesMax = 60;

/** Thrown when an invariant does not hold. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

/** Virtual time: events run one by one, and everything an event sets off without more time runs before the next. */
export class World {
  readonly random: SeededRandom;
  readonly wallStartMs = 1_760_000_000_000;
  areFaultsOn = true;
  #nowMs = 0;
  #order = 0;
  readonly #heap: Scheduled[] = [];
  readonly #digest = createHash('sha256');
  readonly #lines: string[] = [];
  readonly #onLine: ((line: string) => void) | null;
  #failure: Error | null = null;
  #eventCount = 0;

  constructor(seed: number, onLine: ((line: string) => void) | null) {
    this.random = new SeededRandom(seed);
    this.#onLine = onLine;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get wallMs(): number {
    return this.wallStartMs + Math.floor(this.#nowMs);
  }

  get eventCount(): number {
    return this.#eventCount;
  }

  get lastLines(): readonly string[] {
    return this.#lines.slice(-lastLinesMax);
  }

  /** Equal digests: equal runs. */
  digest(): string {
    return this.#digest.copy().digest('hex');
  }

  trace(text: string): void {
    const line = `${this.#nowMs.toFixed(1).padStart(10)} ${text}`;
    this.#digest.update(line);
    this.#lines.push(line);
    if (this.#lines.length > 4 * lastLinesMax) this.#lines.splice(0, 3 * lastLinesMax);
    this.#onLine?.(line);
  }

  schedule(delayMs: number, label: string, run: () => Promise<void> | void): void {
    const tie = this.random.uniform();
    const event = { atMs: this.#nowMs + Math.max(0, delayMs), tie, order: this.#order++, label, run };
    push(this.#heap, event);
  }

  /** For code that nobody awaits: the run ends with this error. */
  fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
  }

  chance(probability: number): boolean {
    return this.random.uniform() < probability;
  }

  between(min: number, max: number): number {
    return min + this.random.uniform() * (max - min);
  }

  /** A whole number, both ends included. */
  count(min: number, max: number): number {
    return Math.floor(this.between(min, max + 1));
  }

  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.random.uniform() * items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  /** Runs events until `untilMs`, or until `isDone`. */
  async run(untilMs: number, isDone: () => boolean = () => false): Promise<void> {
    await settle();
    for (;;) {
      if (this.#failure !== null) throw this.#failure;
      const next = this.#heap[0];
      if (isDone() || next === undefined || next.atMs > untilMs) break;
      pop(this.#heap);
      this.#nowMs = next.atMs;
      this.#eventCount += 1;
      await next.run();
      await settle();
    }
    if (!isDone()) this.#nowMs = Math.max(this.#nowMs, untilMs);
  }
}

/** A turn of the event loop: all promises that can settle have settled. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isBefore(a: Scheduled, b: Scheduled): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  return a.tie === b.tie ? a.order < b.order : a.tie < b.tie;
}

function push(heap: Scheduled[], event: Scheduled): void {
  let at = heap.length;
  heap.push(event);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(heap[at] as Scheduled, heap[parent] as Scheduled)) return;
    swap(heap, at, parent);
    at = parent;
  }
}

function pop(heap: Scheduled[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  heap[0] = last;
  for (let at = 0; ; ) {
    let least = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < heap.length && isBefore(heap[child] as Scheduled, heap[least] as Scheduled)) least = child;
    }
    if (least === at) return;
    swap(heap, at, least);
    at = least;
  }
}

function swap(heap: Scheduled[], a: number, b: number): void {
  const held = heap[a] as Scheduled;
  heap[a] = heap[b] as Scheduled;
  heap[b] = held;
}
