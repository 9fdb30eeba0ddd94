import type { Head } from '../../lib/ports.ts';
import type { Carrier } from './network.ts';
import type { SimProcess } from './process.ts';
import type { World } from './world.ts';

/** A write of a head as the stream of the table tells of it. */
export interface HeadChange {
  readonly head: Head;
  readonly changedAtMs: number;
  /** For {@link ChangeSource.done}. */
  readonly position: number;
}

/** The stream as one reader has it: in order, each change again until it is done. */
export interface ChangeSource {
  /** At most ten, waiting for the first; none after `waitMs`. */
  next(waitMs: number): Promise<readonly HeadChange[]>;
  /** This change and those before it do not come again. Kept by the service, not by the reader. */
  done(position: number): void;
}

/** The stream of the heads' table, as far as one chain is concerned. Who reads it does so one at a time. */
export class HeadStream {
  readonly #world: World;
  readonly #network: Carrier;
  readonly #changes: HeadChange[] = [];
  #doneCount = 0;
  #wake: (() => void) | null = null;

  constructor(world: World, network: Carrier) {
    this.#world = world;
    this.#network = network;
  }

  push(head: Head): void {
    this.#changes.push({ head, changedAtMs: this.#world.wallMs, position: this.#changes.length + 1 });
    this.#wake?.();
  }

  /** There is another table, with a stream of its own: what was not read goes with the old one. */
  cut(): void {
    this.#doneCount = this.#changes.length;
  }

  sourceOf(process: SimProcess): ChangeSource {
    return {
      next: async (waitMs) => {
        await this.#whenChanged(process, waitMs);
        return this.#network.request({
          from: process,
          site: 'stream',
          detail: () => `from ${this.#doneCount}`,
          apply: async () => this.#changes.slice(this.#doneCount, this.#doneCount + 10),
        });
      },
      done: (position) => {
        this.#doneCount = Math.max(this.#doneCount, position);
      },
    };
  }

  /** A reader waits at the stream, so an idle one costs nothing. */
  #whenChanged(process: SimProcess, waitMs: number): Promise<void> {
    if (this.#changes.length > this.#doneCount) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = null;
        process.deliver(this.#world.between(5, 200), resolve);
      };
      process.deliver(waitMs, resolve);
    });
  }
}
