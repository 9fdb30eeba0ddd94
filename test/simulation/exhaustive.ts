import { isDatasetError } from '../../lib/errors.ts';
import { pinVersion } from '../../lib/housekeeping/pins.ts';
import { Snapshotter } from '../../lib/housekeeping/snapshotter.ts';
import type { Deadline, MutationMessage, Telemetry } from '../../lib/ports.ts';
import type { ChainBounds } from '../../lib/producer/chain.ts';
import { Producer } from '../../lib/producer/producer.ts';
import { type Bundle, schemaIds, schemas } from './bundles.ts';
import { advancer, type Cast, casts, type Role, rescuerAndProducer } from './casts.ts';
import { noFaults } from './faults.ts';
import type { Mutant } from './mutants.ts';
import { type Call, type Carrier, type Settled, settled } from './network.ts';
import { type Ports, rescuer } from './ports.ts';
import { SimProcess } from './process.ts';
import { SharedStores } from './shared-stores.ts';
import { Cloud } from './stores.ts';
import { cadence, cleanOnce, runDisaster } from './upkeep.ts';
import { Violation, World } from './world.ts';

/**
 * Every order of a small run, up to a bound. Each port call is one step; by default the process that made the last step
 * goes on, and the next one begins when it has ended. A *deviation* is another process going on instead, or the process
 * dying just before or just after the step took effect. All schedules with at most so many deviations are run, each from
 * the beginning (stateless), every invariant on guard.
 *
 * Time passes only when nobody has a call under way.
 */
export interface Exploration {
  readonly schedules: number;
  readonly stepsMax: number;
  /** The first schedule that broke an invariant, as the deviations that lead to it. */
  readonly failure: ({ readonly deviations: readonly Deviation[] } & Broken) | null;
}

interface Broken {
  /** Empty: no invariant, but an error. */
  readonly invariant: string;
  readonly message: string;
}

interface Deviation {
  readonly step: number;
  /** From 1; 0 is the default. */
  readonly option: number;
}

export async function explore(cast: Cast, deviationsMax: number, mutant: Mutant = {}): Promise<Exploration> {
  const open: (readonly Deviation[])[] = [[]];
  let schedules = 0;
  let stepsMax = 0;
  for (let deviations = open.pop(); deviations !== undefined; deviations = open.pop()) {
    const run = await new Schedule(cast, deviations, mutant).run();
    schedules += 1;
    stepsMax = Math.max(stepsMax, run.optionCounts.length);
    if (run.failure !== null) return { schedules, stepsMax, failure: { deviations, ...run.failure } };
    if (deviations.length === deviationsMax) continue;
    const from = (deviations.at(-1)?.step ?? -1) + 1;
    for (let step = from; step < run.optionCounts.length; step++) {
      for (let option = 1; option < (run.optionCounts[step] ?? 0); option++)
        open.push([...deviations, { step, option }]);
    }
  }
  return { schedules, stepsMax, failure: null };
}

interface Pending {
  readonly from: SimProcess;
  readonly apply: () => Promise<Settled<unknown>>;
  readonly reply: (outcome: Settled<unknown>) => void;
}

const silent: Telemetry = { log: () => undefined, record: () => undefined };
const bounds: ChainBounds = { recentEntriesMin: 2, chainLengthForSnapshot: 100, chainLengthMax: 200 };
const plenty: Deadline = { remainingMs: () => 60_000 };

class Schedule implements Carrier {
  readonly faults = noFaults;
  readonly #world = new World(1, null);
  readonly #cloud: Cloud;
  readonly #cast: Cast;
  readonly #deviations: ReadonlyMap<number, number>;
  readonly #mutant: Mutant;
  #pending: Pending[] = [];
  /** Null: calls are carried at once, as before and after the part that is explored. */
  #optionCounts: number[] | null = null;

  constructor(cast: Cast, deviations: readonly Deviation[], mutant: Mutant) {
    this.#cast = cast;
    this.#mutant = mutant;
    const id = { dataset: 'simulated', partition: 0 };
    const { lax = {} } = mutant;
    this.#cloud = new Cloud(this.#world, this, {
      id,
      shared: new SharedStores(),
      lax,
      hasInline: false,
      bounds,
      committers: 3,
    });
    this.#deviations = new Map(deviations.map(({ step, option }) => [step, option]));
  }

  strikes(): boolean {
    return false;
  }

  request<T>(call: Call<T>): Promise<T> {
    const { from, apply } = call;
    if (!from.isAlive) return new Promise(() => undefined);
    if (this.#optionCounts === null) return apply();
    return new Promise((resolve, reject) => {
      this.#pending.push({
        from,
        apply: () => settled(apply),
        reply: (outcome) => (outcome.error === null ? resolve(outcome.value as T) : reject(outcome.error)),
      });
    });
  }

  async run(): Promise<{ readonly optionCounts: readonly number[]; readonly failure: Broken | null }> {
    const optionCounts: number[] = [];
    try {
      await this.#prepare();
      this.#optionCounts = optionCounts;
      this.#begin();
      await this.#explore(optionCounts);
      this.#optionCounts = null;
      await this.#end();
      return { optionCounts, failure: null };
    } catch (error) {
      const invariant = error instanceof Violation ? error.invariant : '';
      return { optionCounts, failure: { invariant, message: String(error) } };
    }
  }

  /** Three versions, the first of them with a snapshot. */
  async #prepare(): Promise<void> {
    const { process, ports } = this.#process('setup');
    const producer = this.#producer(process, ports);
    for (const name of ['Gouda', 'Delft', 'Utrecht']) await this.#take(producer, ports, this.#send(1, name));
  }

  #begin(): void {
    const { id } = this.#cloud;
    const take =
      (message: MutationMessage, bundle: Bundle = 'old') =>
      (process: SimProcess, ports: Ports) =>
        this.#take(this.#producer(process, ports, bundle), ports, message);
    const roles: Readonly<Record<Role, (process: SimProcess, ports: Ports) => Promise<unknown>>> = {
      'producer 1': take(this.#send(1, 'Gouda')),
      'producer 2': take(this.#send(2, 'Delft')),
      [advancer]: take(this.#send(2, 'Delft'), 'new'),
      pinner: (process, ports) =>
        pinVersion({ ...ports, clock: process.clock }, id, { name: 'audit', version: 2 }),
      [rescuer]: (process, ports) => this.#rescue(process, ports),
      [rescuerAndProducer]: async (process, ports) => {
        await this.#rescue(process, ports);
        await take(this.#send(2, 'Delft'))(process, ports);
      },
      snapshotter: (process, ports) => {
        const { heads, blobs } = ports;
        const { clock } = process;
        return new Snapshotter({ id, heads, blobs, clock, telemetry: silent, cadence }).run();
      },
      cleaner: (process, ports) => cleanOnce(this.#place(process, ports)),
    };
    for (const role of casts[this.#cast]) this.#start(role, roles[role]);
  }

  async #rescue(process: SimProcess, ports: Ports): Promise<void> {
    // The first step is the loss itself.
    await ports.floors.load(this.#cloud.id);
    await this.#cloud.heads.beginOutage(1);
    await runDisaster(this.#place(process, ports), this.#cloud, false);
  }

  /** Until nobody has anything left to do. */
  async #explore(optionCounts: number[]): Promise<void> {
    const world = this.#world;
    let current: SimProcess | null = null;
    for (;;) {
      await world.run(world.nowMs + 120_000, () => this.#pending.length > 0);
      const calls = this.#pending.toSorted((a, b) => this.#orderOf(a) - this.#orderOf(b));
      const usual: Pending | undefined = calls.find(({ from }) => from === current) ?? calls[0];
      if (usual === undefined) return;
      const others = calls.filter(
        ({ from }, i) => from !== usual.from && calls.findIndex((c) => c.from === from) === i,
      );
      const option = this.#deviations.get(optionCounts.length) ?? 0;
      // Default; another process; dead before the step; dead after it.
      optionCounts.push(1 + others.length + 2);
      const chosen = option >= 1 && option <= others.length ? (others[option - 1] as Pending) : usual;
      const crash = option === others.length + 1 ? 'before' : option === others.length + 2 ? 'after' : null;
      current = chosen.from;
      this.#pending = calls.filter((call) => call !== chosen);
      if (crash === 'before') current.crash();
      else {
        const outcome = await chosen.apply();
        if (crash === 'after') current.crash();
        else chosen.reply(outcome);
      }
      this.#pending = this.#pending.filter(({ from }) => from.isAlive);
    }
  }

  #orderOf({ from }: Pending): number {
    return casts[this.#cast].findIndex((role) => role === from.name);
  }

  /** What died is done again, in peace: then everything is in, and readable. */
  async #end(): Promise<void> {
    const { process, ports } = this.#process(`${rescuer} again`);
    if (this.#cloud.hasOutage) await runDisaster(this.#place(process, ports), this.#cloud, false);
    const bundle = this.#cast === 'advance' ? 'new' : 'old';
    const producer = this.#producer(process, ports, bundle);
    for (let i = 0; this.#cloud.queue.messageCount > 0; i++) {
      const messages = await ports.source.receive(10, 0);
      await this.#take(producer, ports, ...messages);
      await this.#world.run(this.#world.nowMs + 11_000);
      if (i > 20) throw new Error('L1: messages are stuck');
    }
    this.#cloud.invariants.requireComplete();
    await cleanOnce(this.#place(process, ports));
  }

  #send(cityId: number, name: string): MutationMessage {
    const fields = { cityId, name, population: 1 };
    const key = String(cityId);
    const intent = {
      op: 'upsert',
      type: 'City',
      key,
      order: null,
      condition: null,
      opId: null,
      fields,
    } as const;
    const body = JSON.stringify({ op: 'upsert', type: 'City', value: fields });
    return this.#cloud.send({ body, intents: [intent], isBroken: false, isAtomic: false, number: null });
  }

  async #take(producer: Producer, { source }: Ports, ...messages: MutationMessage[]): Promise<void> {
    const { acknowledged } = await producer.process(messages, plenty);
    if (acknowledged.length > 0) await source.acknowledge(acknowledged);
  }

  #start(name: string, main: (process: SimProcess, ports: Ports) => Promise<unknown>): void {
    const { process, ports } = this.#process(name);
    main(process, ports).catch((error: unknown) => {
      // Refused, or lost to another: that is an end, too.
      if (!isDatasetError(error)) this.#world.fail(error);
    });
  }

  #process(name: string): { process: SimProcess; ports: Ports } {
    const process = new SimProcess(name, this.#world, { skewMs: 0, onCrash: () => undefined });
    const world = this.#world;
    const cloud = this.#cloud;
    const ports = cloud.portsOf(process);
    return { process, ports: this.#mutant.wrap?.({ ports, process, cloud, world, bundle: 'old' }) ?? ports };
  }

  #place(process: SimProcess, ports: Ports) {
    return { id: this.#cloud.id, process, ports, telemetry: silent };
  }

  #producer({ clock, random }: SimProcess, ports: Ports, bundle: Bundle = 'old'): Producer {
    const { heads, blobs, announcer, quarantine } = ports;
    const { id } = this.#cloud;
    return new Producer({
      id,
      schema: schemas[bundle],
      ...(bundle === 'new' ? { advanceFrom: schemaIds.old } : {}),
      heads,
      blobs,
      announcer,
      quarantine,
      clock,
      random,
      telemetry: silent,
      chainBounds: bounds,
    });
  }
}
