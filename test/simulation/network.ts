import { DatasetError } from '../../lib/errors.ts';
import type { Coverage, Site } from './coverage.ts';
import { type Fault, type Faults, noFaults } from './faults.ts';
import type { SimProcess } from './process.ts';
import { Violation, type World } from './world.ts';

/** One call of a process to a store. */
export interface Call<T> {
  readonly from: SimProcess;
  readonly site: Site;
  /** For the trace: what of it. */
  readonly detail: () => string;
  /** What the store does, in one step. */
  readonly apply: () => Promise<T>;
}

/** What stores need of a network. */
export interface Carrier {
  readonly faults: Faults;
  /** True: the fault strikes at this site. */
  strikes(site: Site, fault: Fault, share?: number): boolean;
  /** Resolves or rejects as the caller is told, which need not be what happened. */
  request<T>(call: Call<T>): Promise<T>;
}

export type Settled<T> = { readonly value: T; readonly error: null } | { readonly error: DatasetError };

/** What is down, and when. */
export interface Down {
  /** Begins the sites. */
  readonly of: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Calls of a producer to what is down for four seconds: until its breaker opens, those under way then, and probes. */
const vainCallsMax = 30;

/** Carries calls from processes to stores. What has been sent may still be applied after its sender died. */
export class Network implements Carrier {
  readonly coverage: Coverage;
  readonly #world: World;
  readonly #faults: Faults;
  readonly #down: Down | null;
  /** Calls of each process to what is down. */
  readonly #vain = new Map<SimProcess, number>();
  #lateCount = 0;

  /** @param down what is down for a while */
  constructor(world: World, faults: Faults, coverage: Coverage, down: Down | null) {
    this.#down = down;
    this.#world = world;
    this.#faults = faults;
    this.coverage = coverage;
  }

  /** Requests whose senders have given them up and that are still to be applied. */
  get lateCount(): number {
    return this.#lateCount;
  }

  get faults(): Faults {
    return this.#world.areFaultsOn ? this.#faults : noFaults;
  }

  /** True: the fault strikes at this site. */
  strikes(site: Site, fault: Fault, share = 1): boolean {
    const probability = this.faults[fault] * share;
    if (probability === 0 || !this.#world.chance(probability)) return false;
    this.coverage.hit(site, fault);
    return true;
  }

  /** Resolves or rejects as the caller is told, which need not be what happened. */
  request<T>(call: Call<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const { from, site } = call;
      if (!from.isAlive) return;
      const world = this.#world;
      if (this.strikes(site, 'crash', 0.5)) return from.crash();
      if (this.strikes(site, 'clockJump')) from.jumpClock();
      const refusal = this.#refusal(call);
      if (refusal !== null) {
        return from.deliver(refusal.afterMs, () => {
          world.trace(() => `${name(call)} -> unavailable (${refusal.why})`);
          reject(new DatasetError('unavailable', refusal.why));
        });
      }
      const slow = this.strikes(site, 'slow') ? world.pick(['there', 'back'] as const) : null;
      const isRepeated = this.strikes(site, 'repeat');
      world.schedule(this.#travelMs(slow === 'there'), () => {
        this.#apply(call, { isRepeated, backMs: this.#travelMs(slow === 'back') }, (outcome) => {
          if (outcome.error === null) resolve(outcome.value);
          else reject(outcome.error);
        });
      });
    });
  }

  #travelMs(isSlow: boolean): number {
    return isSlow ? this.#world.between(20, 3_000) : this.#world.between(1, 20);
  }

  #apply<T>(
    call: Call<T>,
    { isRepeated, backMs }: { readonly isRepeated: boolean; readonly backMs: number },
    reply: (outcome: Settled<T>) => void,
  ): void {
    const { from, site } = call;
    const world = this.#world;
    const answer = (outcome: Settled<T>): void => {
      world.trace(() => `${name(call)} applied${isRepeated ? ' twice' : ''}`);
      if (from.isAlive && this.strikes(site, 'crash', 0.5)) from.crash();
      if (from.isAlive && this.strikes(site, 'freeze')) from.freeze(world.between(500, 12_000));
      from.deliver(backMs, () => reply(outcome));
    };
    const once = settled(call.apply);
    (isRepeated ? once.then(() => settled(call.apply)) : once)
      .then(answer)
      .catch((error: unknown) => world.fail(error));
  }

  /** Null: the call goes through. Else the caller is told that it did not, which may be wrong. */
  #refusal<T>(call: Call<T>): { readonly why: string; readonly afterMs: number } | null {
    const { site } = call;
    const world = this.#world;
    if (this.#isDown(call)) return { why: 'down', afterMs: world.between(1, 20) };
    if (this.strikes(site, 'throttle')) return { why: 'throttled', afterMs: world.between(1, 20) };
    if (this.strikes(site, 'busy')) return { why: 'busy', afterMs: world.between(1, 20) };
    if (this.strikes(site, 'drop')) return { why: 'no answer', afterMs: world.between(5, 1_000) };
    if (this.strikes(site, 'ambiguous')) {
      const afterMs = world.between(5, 1_000);
      this.#applyUnknown(call, world.between(1, afterMs));
      return { why: 'no answer', afterMs };
    }
    if (this.strikes(site, 'lateApply')) {
      const afterMs = world.between(5, 1_000);
      this.#applyUnknown(call, world.between(afterMs, 8_000));
      return { why: 'no answer', afterMs };
    }
    return null;
  }

  /** L3: a producer spares what is down. */
  #isDown<T>({ from, site }: Call<T>): boolean {
    const { nowMs, areFaultsOn } = this.#world;
    const down = this.#down;
    if (down === null || !areFaultsOn || !site.startsWith(down.of)) return false;
    if (nowMs < down.fromMs || nowMs > down.toMs) return false;
    const count = (this.#vain.get(from) ?? 0) + 1;
    this.#vain.set(from, count);
    if (from.name.startsWith('producer') && count > vainCallsMax)
      this.#world.fail(
        new Violation('L3', `${from.name} calls ${site} for the ${count}th time while it is down`),
      );
    return true;
  }

  #applyUnknown<T>(call: Call<T>, afterMs: number): void {
    const world = this.#world;
    this.#lateCount += 1;
    world.schedule(afterMs, () => {
      this.#lateCount -= 1;
      settled(call.apply)
        .then(() => world.trace(() => `${name(call)} applied, unknown to its sender`))
        .catch((error: unknown) => world.fail(error));
    });
  }
}

function name({ from, site, detail }: Call<unknown>): string {
  return `${from.name} ${site} ${detail()}`;
}

/** Errors of stores are answers; those of invariants end the run. */
export async function settled<T>(apply: () => Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await apply(), error: null };
  } catch (error) {
    if (error instanceof DatasetError) return { error };
    throw error;
  }
}
