/** What is sent, and what a dataset holds that has taken all of it in, once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDatasetError } from '../../lib/errors.ts';
import type { SeededRandom } from '../../lib/memory/random.ts';
import { defineDataset, type } from '../../lib/schema/builder.ts';
import { t } from '../../lib/schema/field-specs.ts';
import type { Order } from '../../lib/sender/mutation-input.ts';
import type { Sender, Sent } from '../../lib/sender/sender.ts';

/** datasets/cities.hollow */
export const cities = defineDataset({
  City: type(
    {
      cityId: t.int(),
      name: t.string(),
      altName: t.string(),
      country: t.string(),
      featureCode: t.string(),
      adminCode: t.string(),
      muni: t.string(),
      muniSub: t.string(),
      population: t.int(),
      lat: t.double(),
      lon: t.double(),
    },
    { primaryKey: ['cityId'] },
  ),
});

const cityCount = 300;
const counterCount = 20;
const firstCounterId = 2_000_000_000;
/** Mutations that are given to the sender and not accepted yet, at most. */
const underWayMax = 200;

interface Change {
  readonly order: Order;
  /** Null: deleted. `isPatch`: only if the city is there. */
  readonly population: number | null;
  readonly isPatch: boolean;
}

export class Load {
  readonly #sender: Sender<typeof cities>;
  readonly #random: SeededRandom;
  readonly #changes = new Map<number, Change[]>();
  readonly #sums = new Map<number, number>();
  readonly #underWay = new Set<Promise<void>>();
  #sequence = 0;
  /** True: nothing new is sent, so that a queue that has grown long can be worked off. */
  isPaused = false;
  /** Mutations that the queue has accepted, and calls that had to be repeated by the application for it. */
  accepted = 0;
  repeated = 0;

  constructor(sender: Sender<typeof cities>, random: SeededRandom) {
    this.#sender = sender;
    this.#random = random;
  }

  /** Before anything counts, there is what it counts on. */
  async begin(): Promise<void> {
    for (let i = 0; i < counterCount; i++) {
      const cityId = firstCounterId + i;
      const order = this.#nextOrder(0);
      this.#sums.set(cityId, 0);
      await this.#deliver(() =>
        this.#sender.upsert('City', { cityId, name: 'counter', population: 0 }, { order }),
      );
    }
  }

  /** Sends about that many mutations a second until the signal aborts, and then until all of them are accepted. */
  async run(perSecond: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.isPaused) {
        await sleep(50);
        continue;
      }
      for (let i = 0; i < perSecond / 20; i++) this.#add(this.#sendOne());
      await sleep(50);
      while (this.#underWay.size >= underWayMax) await Promise.race(this.#underWay);
    }
    await Promise.all(this.#underWay);
  }

  /** Population by city id. */
  expected(): ReadonlyMap<number, number | null> {
    const records = new Map<number, number | null>(this.#sums);
    for (const [cityId, changes] of this.#changes) {
      let population: number | null = null;
      let isThere = false;
      for (const change of changes.toSorted((a, b) => compare(a.order, b.order))) {
        if (change.isPatch && !isThere) continue;
        isThere = change.population !== null;
        population = change.population;
      }
      if (isThere) records.set(cityId, population);
    }
    return records;
  }

  #add(work: Promise<void>): void {
    const tracked = work.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }

  #sendOne(): Promise<void> {
    const draw = this.#random.uniform();
    if (draw < 0.2) return this.#increment();
    if (draw < 0.3) return this.#transfer();
    const cityId = 1 + this.#pick(cityCount);
    const order = this.#nextOrder(30_000);
    const population = 1 + this.#pick(1_000_000);
    const [key, sender] = [{ cityId }, this.#sender];
    if (draw < 0.6) {
      this.#note(cityId, { order, population, isPatch: false });
      return this.#deliver(() =>
        sender.upsert('City', { cityId, name: `City ${cityId}`, population }, { order }),
      );
    }
    if (draw < 0.9) {
      this.#note(cityId, { order, population, isPatch: true });
      return this.#deliver(() => sender.patch('City', key, { population }, { order }));
    }
    this.#note(cityId, { order, population: null, isPatch: false });
    return this.#deliver(() => sender.delete('City', key, { order }));
  }

  #increment(): Promise<void> {
    const cityId = this.#pickCounter();
    const amount = 1 + this.#pick(100);
    const options = { order: this.#nextOrder(0), opId: `soak-${this.#sequence}` };
    this.#count(cityId, amount);
    return this.#deliver(() => this.#sender.increment('City', { cityId }, { population: amount }, options));
  }

  /** From one counter to another, both or none. */
  #transfer(): Promise<void> {
    const [from, to] = [this.#pickCounter(), this.#pickCounter()];
    const amount = 1 + this.#pick(100);
    this.#count(from, -amount);
    this.#count(to, amount);
    const parts = [
      [from, -amount],
      [to, amount],
    ] as const;
    const mutations = parts.map(([cityId, population]) => {
      const order = this.#nextOrder(0);
      const operation = { order, opId: `soak-${order.sequence}` };
      return {
        op: 'increment',
        type: 'City',
        key: { cityId },
        fields: { population },
        ...operation,
      } as const;
    });
    return this.#deliver(() => this.#sender.atomic(mutations));
  }

  /** As an application does that must not lose anything: again, with the same order and operation, until it is accepted. */
  async #deliver(send: () => Promise<Sent>): Promise<void> {
    for (;;) {
      try {
        const { accepted } = await send();
        await accepted;
        this.accepted += 1;
        return;
      } catch (error) {
        if (!isDatasetError(error) || error.kind === 'rejected' || error.kind === 'invalid') throw error;
        this.repeated += 1;
        await sleep(100 + this.#random.uniform() * 400);
      }
    }
  }

  /** Somewhere in the last `spreadMs`: what comes later is not always newer. */
  #nextOrder(spreadMs: number): Order {
    this.#sequence += 1;
    return { timestamp: Date.now() - this.#pick(spreadMs + 1), source: 'soak', sequence: this.#sequence };
  }

  #note(cityId: number, change: Change): void {
    const changes = this.#changes.get(cityId);
    if (changes === undefined) this.#changes.set(cityId, [change]);
    else changes.push(change);
  }

  #count(cityId: number, amount: number): void {
    this.#sums.set(cityId, (this.#sums.get(cityId) ?? 0) + amount);
  }

  #pick(count: number): number {
    return Math.floor(this.#random.uniform() * count);
  }

  #pickCounter(): number {
    return firstCounterId + this.#pick(counterCount);
  }
}

function compare(a: Order, b: Order): number {
  return a.timestamp - b.timestamp || a.sequence - b.sequence;
}
