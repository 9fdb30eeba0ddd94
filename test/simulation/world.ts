import { SeededRandom } from '../../lib/memory/random.ts';

interface Scheduled {
  readonly atMs: number;
  /** Draws the order of what happens at the same time. */
  readonly tie: number;
  readonly order: number;
  readonly run: () => void;
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
  readonly #digest = new Digest();
  readonly #lines: string[] = [];
  readonly #onLine: ((line: string) => void) | null;
  #failure: Error | null = null;
  #eventCount = 0;

  /** @param onLine told of every line of the trace; without it no line is ever made, which is most of a run's speed */
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

  /** Equal digests: equal runs. Of the time and the order of every event, and of all that {@link mark} was given. */
  digest(): string {
    return this.#digest.text;
  }

  /** Takes something that happened into the digest. */
  mark(text: string): void {
    this.#digest.addText(text);
  }

  trace(text: () => string): void {
    if (this.#onLine === null) return;
    const line = `${this.#nowMs.toFixed(1).padStart(10)} ${text()}`;
    this.#lines.push(line);
    if (this.#lines.length > 4 * lastLinesMax) this.#lines.splice(0, 3 * lastLinesMax);
    this.#onLine(line);
  }

  schedule(delayMs: number, run: () => void): void {
    const tie = this.random.uniform();
    push(this.#heap, { atMs: this.#nowMs + Math.max(0, delayMs), tie, order: this.#order++, run });
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
      this.#digest.addEvent(next.atMs, next.order);
      next.run();
      await settle();
    }
    if (!isDone()) this.#nowMs = Math.max(this.#nowMs, untilMs);
  }
}

/**
 * All promises that can settle have settled: Node runs the next tick only when there is no microtask left. The code under
 * test has no other turns (no timers, no I/O: everything comes through ports), so nothing is left over; and this is
 * several times cheaper than a turn of the event loop.
 */
function settle(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** 64 bits that change with everything they were given, in its order. Not for secrets. */
class Digest {
  #low = 0x811c9dc5 | 0;
  #high = 0x9e3779b9 | 0;
  readonly #float = new Float64Array(1);
  readonly #words = new Int32Array(this.#float.buffer);

  get text(): string {
    const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
    return hex(this.#high) + hex(this.#low);
  }

  addEvent(atMs: number, order: number): void {
    this.#float[0] = atMs;
    this.#add(this.#words[0] as number);
    this.#add(this.#words[1] as number);
    this.#add(order);
  }

  addText(text: string): void {
    for (let i = 0; i < text.length; i++) this.#add(text.charCodeAt(i));
  }

  #add(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 0x01000193);
    this.#low ^= this.#low >>> 15;
    this.#high = Math.imul(this.#high + value + this.#low, 0x85ebca6b);
    this.#high ^= this.#high >>> 13;
  }
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
    for (let child = 2 * at + 1; child <= 2 * at + 2; child++) {
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
