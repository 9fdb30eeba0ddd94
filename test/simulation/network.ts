import { DatasetError } from '../../lib/errors.ts';
import { type Faults, noFaults } from './faults.ts';
import type { SimProcess } from './process.ts';
import type { World } from './world.ts';

/** Carries calls from processes to stores. What has been sent may still be applied after its sender died. */
export class Network {
  readonly #world: World;
  readonly #faults: Faults;

  constructor(world: World, faults: Faults) {
    this.#world = world;
    this.#faults = faults;
  }

  get faults(): Faults {
    return this.#world.areFaultsOn ? this.#faults : noFaults;
  }

  /** Calls `apply` at some time, in one step; resolves or rejects as the caller is told. */
  request<T>(from: SimProcess, label: string, apply: () => Promise<T>): Promise<T> {
    const world = this.#world;
    const { faults } = this;
    return new Promise((resolve, reject) => {
      if (!from.isAlive) return;
      if (world.chance(faults.crash / 2)) return from.crash();
      const goThereMs = world.between(1, 20);
      const name = `${from.name} ${label}`;
      const refuse = (afterMs: number, why: string): void =>
        from.deliver(afterMs, name, () => {
          world.trace(`${name} -> unavailable (${why})`);
          reject(new DatasetError('unavailable', why));
        });
      if (world.chance(faults.throttle)) return refuse(goThereMs, 'throttled');
      if (world.chance(faults.unknown)) {
        // Told to have failed, before or after it is applied; a third of them never are.
        if (!world.chance(1 / 3)) this.#applyLater(name, world.between(1, 8_000), apply);
        return refuse(world.between(5, 1_000), 'no answer');
      }
      const isSlow = world.chance(faults.slow);
      const isRepeated = world.chance(faults.repeat);
      world.schedule(isSlow ? world.between(20, 3_000) : goThereMs, name, async () => {
        let outcome = await settled(apply);
        if (isRepeated) outcome = await settled(apply);
        world.trace(`${name} applied${isRepeated ? ' twice' : ''}`);
        if (from.isAlive && world.chance(faults.crash / 2)) from.crash();
        if (from.isAlive && world.chance(faults.freeze)) from.freeze(world.between(500, 12_000));
        from.deliver(world.between(1, 20), name, () => {
          if (outcome.error === null) resolve(outcome.value as T);
          else reject(outcome.error);
        });
      });
    });
  }

  #applyLater<T>(name: string, afterMs: number, apply: () => Promise<T>): void {
    this.#world.schedule(afterMs, name, async () => {
      await settled(apply);
      this.#world.trace(`${name} applied, unknown to its sender`);
    });
  }
}

/** Errors of stores are answers; those of invariants end the run. */
async function settled<T>(apply: () => Promise<T>): Promise<{ value: T | null; error: DatasetError | null }> {
  try {
    return { value: await apply(), error: null };
  } catch (error) {
    if (error instanceof DatasetError) return { value: null, error };
    throw error;
  }
}
