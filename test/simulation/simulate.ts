import { Consumer, type VersionListener } from '../../lib/consumer/consumer.ts';
import { isDatasetError } from '../../lib/errors.ts';
import { servedHead } from '../../lib/head-rules.ts';
import type { MetricName } from '../../lib/metric-names.ts';
import type { Deadline, MutationMessage, Telemetry } from '../../lib/ports.ts';
import { Producer } from '../../lib/producer/producer.ts';
import { Coverage } from './coverage.ts';
import type { Mutant } from './mutants.ts';
import { Network } from './network.ts';
import { SimProcess } from './process.ts';
import type { Scenario } from './scenario.ts';
import { Cloud, type Ports, type Recovery, rescuer } from './stores.ts';
import { Sender, schema } from './traffic.ts';
import {
  cleanOnce,
  runCleaner,
  runDisaster,
  runOperator,
  runPinner,
  runSnapshotter,
  type UpkeepPlace,
} from './upkeep.ts';
import { Violation, World } from './world.ts';

export interface SimulationOptions {
  readonly scenario: Scenario;
  readonly mutant?: Mutant;
  /** Told of every line of the trace. */
  readonly onLine?: (line: string) => void;
  /** Counts where faults struck. */
  readonly coverage?: Coverage;
}

export interface SimulationResult {
  readonly scenario: Scenario;
  /** Equal digests: equal runs. */
  readonly digest: string;
  readonly eventCount: number;
  readonly commitCount: number;
  readonly conflictCount: number;
  readonly crashCount: number;
  readonly recoveries: readonly Recovery[];
  /** Null: every invariant held. */
  readonly violation: Violation | null;
  /** Of a run that failed, or that was traced. */
  readonly lastLines: readonly string[];
}

/** Virtual times, short so that much happens in a run: a function often runs out of time while it is frozen. */
const functionMs = 5_000;
const drainMsMax = 180_000;
const catchUpMsMax = 90_000;

/** One run of one scenario: faults for a while, then none, and in the end everything must be in everywhere. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const result = await runOnce(options);
  if (result.violation === null || options.onLine !== undefined) return result;
  // Runs keep no trace, for speed: the one that is wanted is run again.
  const again = await runOnce({ ...options, onLine: () => undefined });
  if (again.digest === result.digest && again.violation?.message === result.violation.message) return again;
  throw new Error(`seed ${options.scenario.seed} is not deterministic: ${result.violation.message}`);
}

async function runOnce(options: SimulationOptions): Promise<SimulationResult> {
  const run = new Run(options);
  try {
    await run.go();
    return run.result(null);
  } catch (error) {
    if (!(error instanceof Violation))
      throw new Error(`seed ${options.scenario.seed}: ${String(error)}`, { cause: error });
    run.world.trace(() => String(error));
    return run.result(error);
  }
}

class Run {
  readonly world: World;
  readonly #scenario: Scenario;
  readonly #network: Network;
  readonly #cloud: Cloud;
  readonly #mutant: Mutant;
  readonly #telemetry = new ConflictCount();
  readonly #processes = new Set<SimProcess>();
  readonly #consumers = new Map<string, Consumer>();
  #crashCount = 0;

  constructor({ scenario, mutant = {}, onLine, coverage = new Coverage() }: SimulationOptions) {
    this.#scenario = scenario;
    this.#mutant = mutant;
    this.world = new World(scenario.seed, onLine ?? null);
    this.#network = new Network(this.world, scenario.faults, coverage);
    this.#cloud = new Cloud(this.world, this.#network);
  }

  async go(): Promise<void> {
    const { world } = this;
    const { producers, consumers, faultsMs: untilMs } = this.#scenario;
    this.#startSenders();
    for (const [i, kind] of producers.entries()) {
      this.#start(
        `producer ${i + 1}`,
        kind === 'service'
          ? (p, ports) => this.#runLongLived(p, ports)
          : (p, ports) => this.#runFunction(p, ports),
      );
    }
    for (const [i, consistency] of consumers.entries()) {
      this.#start(`consumer ${i + 1}`, (p, ports) => this.#runConsumer(p, ports, consistency));
    }
    const upkeep = { snapshotter: runSnapshotter, cleaner: runCleaner, pinner: runPinner };
    const { snapshotters, cleaners, pinners } = this.#scenario;
    const counts = { snapshotter: snapshotters, cleaner: cleaners, pinner: pinners };
    for (const kind of ['snapshotter', 'cleaner', 'pinner'] as const) {
      for (let i = 1; i <= counts[kind]; i++)
        this.#start(`${kind} ${i}`, (process, ports) => upkeep[kind](this.#place(process, ports)));
    }
    for (let i = 1; i <= this.#scenario.operators; i++) {
      this.#start(`operator ${i}`, (process, ports) =>
        runOperator(this.#place(process, ports), this.#producer(process, ports), () => deadlineOf(process)),
      );
    }
    for (const { at, back } of this.#scenario.disasters) {
      world.schedule(at * untilMs, () => this.#disaster(back));
    }
    await world.run(untilMs);

    world.trace(() => 'FAULTS OFF');
    world.areFaultsOn = false;
    for (const process of this.#processes) process.thaw();
    await world.run(world.nowMs + drainMsMax, () => this.#isDrained());
    if (this.#cloud.hasOutage) throw new Violation('L1', 'the table of heads does not come back');
    if (this.#cloud.queue.messageCount > 0)
      throw new Violation('L1', `${this.#cloud.queue.messageCount} messages are stuck`);
    // What was sent before may still be applied.
    await world.run(world.nowMs + 10_000, () => this.#network.lateCount === 0);
    await world.run(world.nowMs + catchUpMsMax, () => this.#areAllCurrent());
    if (!this.#areAllCurrent()) throw new Violation('L2', 'a consumer does not get to the head');
    this.#cloud.invariants.requireComplete();
    await this.#requireClean();
  }

  #disaster(back: number | null): void {
    const cloud = this.#cloud;
    if (cloud.head === null || cloud.hasOutage) return;
    if (this.#mutant.skipsRestore === true) {
      cloud
        .beginOutage(back ?? 2)
        .then(() => cloud.endOutage())
        .catch((error: unknown) => this.world.fail(error));
      return;
    }
    const begun = cloud.beginOutage(back).catch((error: unknown) => this.world.fail(error));
    this.#start(`${rescuer} of ${this.world.nowMs.toFixed(0)}`, async (process, ports) => {
      await begun;
      if (cloud.hasOutage) await runDisaster(this.#place(process, ports), cloud, back === null);
    });
  }

  /** G1: two passes of a cleaner without faults leave nothing below the floor. */
  async #requireClean(): Promise<void> {
    const { world } = this;
    // What was slow on its way arrives first.
    await world.run(world.nowMs + 3_000);
    let passes = 0;
    let floor = 0;
    this.#start('last cleaner', async (process, ports) => {
      for (; passes < 2; passes++) {
        floor = this.#cloud.head?.floor ?? 0;
        await cleanOnce(this.#place(process, ports));
      }
    });
    await world.run(world.nowMs + 10_000, () => passes === 2);
    if (passes < 2) throw new Violation('G1', 'a cleaner does not get to its end');
    this.#cloud.invariants.requireClean(floor, this.#cloud.blobNames);
  }

  #place(process: SimProcess, ports: Ports): UpkeepPlace {
    return { id: this.#cloud.id, process, ports, telemetry: this.#telemetry };
  }

  result(violation: Violation | null): SimulationResult {
    const { world } = this;
    return {
      scenario: this.#scenario,
      digest: world.digest(),
      eventCount: world.eventCount,
      commitCount: this.#cloud.invariants.commitCount,
      conflictCount: this.#telemetry.count,
      crashCount: this.#crashCount,
      recoveries: this.#cloud.recoveries,
      violation,
      lastLines: world.lastLines,
    };
  }

  #startSenders(): void {
    const { world } = this;
    const { senders: count, messages, faultsMs, ...rest } = this.#scenario;
    const { poison, operations, atomic, senderSkewMsMax: skewMsMax } = rest;
    const options = { poison, operations, atomic, skewMsMax };
    const senders = Array.from({ length: count }, (_, i) => new Sender(world, `app${i + 1}`, options));
    for (let i = 0; i < messages; i++) {
      const sender = world.pick(senders);
      world.schedule(world.between(0, faultsMs), () => this.#cloud.send(sender.next()));
    }
  }

  /** A process that starts again, with nothing in memory, some time after each crash. */
  #start(name: string, main: (process: SimProcess, ports: Ports) => Promise<void>): void {
    const { world } = this;
    const onCrash = (): void => {
      this.#crashCount += 1;
      this.#processes.delete(process);
      this.#consumers.delete(name);
      world.schedule(world.between(100, 5_000), () => this.#start(name, main));
    };
    const { skewMsMax } = this.#scenario;
    const skewMs = world.between(-skewMsMax, skewMsMax);
    const process = new SimProcess(name, world, { skewMs, onCrash });
    this.#processes.add(process);
    const ports = this.#cloud.portsOf(process);
    const used = this.#mutant.wrap?.({ ports, process, cloud: this.#cloud, world }) ?? ports;
    main(process, used).catch((error: unknown) => this.world.fail(error));
  }

  #producer(process: SimProcess, ports: Ports): Producer {
    const { heads, blobs, announcer, quarantine, lateQueue } = ports;
    const { purgeHorizonMs } = this.#scenario;
    const { clock, random } = process;
    const { id } = this.#cloud;
    const telemetry = this.#telemetry;
    return new Producer({
      id,
      schema,
      heads,
      blobs,
      announcer,
      quarantine,
      lateQueue,
      clock,
      random,
      telemetry,
      chainBounds: this.#scenario.bounds,
      ...(purgeHorizonMs === null ? {} : { purgeHorizonMs }),
    });
  }

  /** A producer forgets now and then. */
  async #purge(producer: Producer, process: SimProcess): Promise<void> {
    if (this.#scenario.purgeHorizonMs === null || process.random.uniform() > 0.2) return;
    await producer.purge(deadlineOf(process)).catch((error: unknown) => {
      if (!isDatasetError(error)) this.world.fail(error);
    });
  }

  async #runLongLived(process: SimProcess, ports: Ports): Promise<void> {
    await this.#producer(process, ports).run(ports.source, new AbortController().signal);
  }

  /** A function behind an event source mapping. One that ran out of time is killed, or goes on during the next call. */
  async #runFunction(process: SimProcess, ports: Ports): Promise<void> {
    const producer = this.#producer(process, ports);
    const { source } = ports;
    for (;;) {
      try {
        const messages = await source.receive(10, 20_000);
        if (messages.length === 0) continue;
        const acknowledged = await this.#invoke(process, ports, producer, messages);
        if (acknowledged.length > 0) await source.acknowledge(acknowledged);
        await this.#purge(producer, process);
      } catch (error) {
        if (!isDatasetError(error)) throw error;
        await process.clock.sleep(100);
      }
    }
  }

  async #invoke(
    process: SimProcess,
    ports: Ports,
    producer: Producer,
    messages: readonly MutationMessage[],
  ): Promise<readonly MutationMessage[]> {
    if (this.#mutant.acknowledgesFirst === true) await ports.source.acknowledge(messages);
    const done = producer.process(messages, deadlineOf(process));
    done.catch((error: unknown) => this.world.fail(error));
    const result = await Promise.race([done, process.clock.sleep(functionMs)]);
    if (result === undefined) {
      this.world.trace(() => `${process.name} TIME OUT`);
      if (this.#network.strikes('receive', 'kill')) process.crash();
      return [];
    }
    for (const { message, reason } of result.failed)
      this.world.trace(() => `${process.name} failed ${message.id} ${reason}`);
    return this.#mutant.acknowledgesFailed === true ? messages : result.acknowledged;
  }

  async #runConsumer(process: SimProcess, ports: Ports, consistency: 'strong' | 'eventual'): Promise<void> {
    const { heads, blobs, watcher } = ports;
    const { clock, random } = process;
    const telemetry = this.#telemetry;
    const make = (): Consumer =>
      new Consumer({ id: this.#cloud.id, heads, blobs, clock, random, telemetry, consistency });
    // A name for each life of the process: a new one may start from an older version.
    const reader = `${process.name} (${this.#crashCount})`;
    const listen: VersionListener = ({ to }) => {
      try {
        this.world.trace(() => `${reader} serves ${to.ref.version}`);
        this.#cloud.invariants.onServe(reader, to);
      } catch (error) {
        this.world.fail(error);
      }
    };
    while (this.#mutant.consumerForgets === true) {
      const consumer = make();
      consumer.onChange(listen);
      await consumer.refresh().catch(() => undefined);
      await clock.sleep(300);
    }
    const consumer = make();
    consumer.onChange(listen);
    this.#consumers.set(process.name, consumer);
    consumer.start([watcher]);
  }

  #isDrained(): boolean {
    return this.#cloud.queue.messageCount === 0 && !this.#cloud.hasOutage;
  }

  #areAllCurrent(): boolean {
    const { head } = this.#cloud;
    if (head === null) return [...this.#consumers.values()].every(({ version }) => version === null);
    const { cid, era } = servedHead(head);
    return [...this.#consumers.values()].every(({ version }) => version?.cid === cid && version.era === era);
  }
}

function deadlineOf({ clock }: SimProcess): Deadline {
  const endMs = clock.monotonicMs() + functionMs;
  return { remainingMs: () => endMs - clock.monotonicMs() };
}

/** Counts lost races; all else that is logged and recorded is let go. */
class ConflictCount implements Telemetry {
  count = 0;

  log(): void {}

  record(metric: MetricName): void {
    if (metric === 'CommitConflicts') this.count += 1;
  }
}
