import { Consumer, type VersionListener } from '../../lib/consumer/consumer.ts';
import { servedHead } from '../../lib/head-rules.ts';
import type { Deadline, Telemetry } from '../../lib/ports.ts';
import { Producer } from '../../lib/producer/producer.ts';
import { dataset } from './application.ts';
import { type Bundle, type Deployment, schemaIds, schemas } from './bundles.ts';
import { claimPorts, fates, sendClaim } from './claims.ts';
import type { Mutant } from './mutants.ts';
import { purgeSilently } from './mutants-purge.ts';
import type { Network } from './network.ts';
import { runOutbox } from './outbox.ts';
import { inlineOf, type Ports, rescuer } from './ports.ts';
import { SimProcess } from './process.ts';
import { deadlineOf, type ProducerPlace, runFunction, runLongLived } from './producers.ts';
import type { Scenario } from './scenario.ts';
import type { Cloud } from './stores.ts';
import { Sender, type Sent } from './traffic.ts';
import {
  cleanOnce,
  runCleaner,
  runDisaster,
  runOperator,
  runPinner,
  runSnapshotter,
  type UpkeepPlace,
} from './upkeep.ts';
import { Violation, type World } from './world.ts';

export interface ChainRunOptions {
  readonly world: World;
  readonly network: Network;
  readonly cloud: Cloud;
  readonly scenario: Scenario;
  readonly mutant: Mutant;
  readonly telemetry: Telemetry;
  /** Of the names of its processes; empty for the first chain of a run. */
  readonly suffix: string;
}

/** One chain of a run: everybody who works on it, and what must be true of it in the end. */
export class ChainRun {
  readonly world: World;
  readonly cloud: Cloud;
  readonly #options: ChainRunOptions;
  readonly #processes = new Set<SimProcess>();
  readonly #consumers = new Map<string, Consumer>();
  #crashCount = 0;
  /** Of producers with another one than the first, by name. */
  readonly #bundles = new Map<string, Bundle>();
  #claimCount = 0;
  #claimsUnsent = 0;

  constructor(options: ChainRunOptions) {
    this.#options = options;
    this.world = options.world;
    this.cloud = options.cloud;
  }

  get crashCount(): number {
    return this.#crashCount;
  }

  /** Starts everybody. */
  begin(): void {
    const { world } = this;
    const { producers, consumers, faultsMs, ...rest } = this.#options.scenario;
    const { snapshotters, cleaners, pinners, operators, disasters, deployments } = rest;
    this.#startSenders();
    for (const [i, kind] of producers.entries()) {
      const run = kind === 'service' ? runLongLived : runFunction;
      this.#start(`producer ${i + 1}`, (process, ports) => run(this.#producerPlace(process, ports)));
    }
    for (const [i, consistency] of consumers.entries()) {
      this.#start(`consumer ${i + 1}`, (process, ports) =>
        this.#runConsumer(process, i % 2 === 0 ? ports : withoutTable(ports), consistency),
      );
    }
    const upkeep = { snapshotter: runSnapshotter, cleaner: runCleaner, pinner: runPinner };
    const counts = { snapshotter: snapshotters, cleaner: cleaners, pinner: pinners };
    for (const kind of ['snapshotter', 'cleaner', 'pinner'] as const) {
      for (let i = 1; i <= counts[kind]; i++)
        this.#start(`${kind} ${i}`, (process, ports) => upkeep[kind](this.#place(process, ports)));
    }
    if (rest.hasOutbox) this.#start('outbox', (process, ports) => runOutbox(this.#place(process, ports)));
    for (let i = 1; i <= operators; i++) {
      this.#start(`operator ${i}`, (process, ports) =>
        runOperator(this.#place(process, ports), this.#producer(process, ports), () => deadlineOf(process)),
      );
    }
    for (const deployment of deployments)
      world.schedule(deployment.at * faultsMs, () => this.#deploy(deployment));
    for (const { at, back } of disasters) world.schedule(at * faultsMs, () => this.#disaster(back));
  }

  /** What a process of nobody's chain reaches of this one. */
  portsOf(process: SimProcess): Ports {
    const { world, cloud } = this;
    const ports = cloud.portsOf(process);
    return (
      this.#options.mutant.wrap?.({ ports, process, cloud, world, bundle: this.#bundleOf(process) }) ?? ports
    );
  }

  thaw(): void {
    for (const process of this.#processes) process.thaw();
  }

  /** A rollout that has begun comes to its end. */
  endRollout(): void {
    const { deployments, producers } = this.#options.scenario;
    if (deployments.length > 0) this.#deploy({ at: 1, producers: producers.length, bundle: 'new' });
  }

  isDrained(): boolean {
    return this.cloud.queue.messageCount === 0 && !this.cloud.hasOutage && this.#claimsUnsent === 0;
  }

  /** L1. */
  requireDrained(): void {
    if (this.cloud.hasOutage) throw new Violation('L1', 'the table of heads does not come back');
    const { messageCount } = this.cloud.queue;
    if (this.#claimsUnsent > 0) throw new Violation('L1', 'a claim does not get into the queue');
    if (messageCount > 0) throw new Violation('L1', `${messageCount} messages are stuck`);
  }

  areAllCurrent(): boolean {
    const { head } = this.cloud;
    if (head === null) return [...this.#consumers.values()].every(({ version }) => version === null);
    if (this.#options.scenario.hasOutbox && !this.cloud.invariants.isAnnounced(head)) return false;
    const { cid, era } = servedHead(head);
    return [...this.#consumers.values()].every(({ version }) => version?.cid === cid && version.era === era);
  }

  /** G1: two passes of a cleaner without faults leave nothing below the floor. */
  async requireClean(): Promise<void> {
    const { world, cloud } = this;
    let passes = 0;
    let floor = 0;
    this.#start('last cleaner', async (process, ports) => {
      for (; passes < 2; passes++) {
        floor = cloud.head?.floor ?? 0;
        await cleanOnce(this.#place(process, ports));
      }
    });
    await world.run(world.nowMs + 10_000, () => passes === 2);
    if (passes < 2) throw new Violation('G1', 'a cleaner does not get to its end');
    cloud.invariants.requireClean(floor, cloud.bucket.names);
  }

  /** Whoever gets another bundle is started again with it. */
  #deploy({ producers, bundle }: Deployment): void {
    for (let i = 1; i <= producers; i++) {
      const name = `producer ${i}`;
      const process = [...this.#processes].find((each) => this.#nameOf(each) === name);
      const isNew = (this.#bundles.get(name) ?? 'old') !== bundle;
      this.#bundles.set(name, bundle);
      if (!isNew) continue;
      this.world.trace(() => `${name} GETS THE ${bundle.toUpperCase()} BUNDLE`);
      process?.crash();
    }
  }

  /** Operators work with the first producer's. */
  #bundleOf(process: SimProcess): Bundle {
    const name = this.#nameOf(process);
    return this.#bundles.get(name.startsWith('operator') ? 'producer 1' : name) ?? 'old';
  }

  #disaster(back: number | null): void {
    const { world, cloud } = this;
    if (cloud.head === null || cloud.hasOutage) return;
    if (this.#options.mutant.skipsRestore === true) {
      cloud.heads
        .beginOutage(back ?? 2)
        .then(() => cloud.endOutage())
        .catch((error: unknown) => world.fail(error));
      return;
    }
    const begun = cloud.heads.beginOutage(back).catch((error: unknown) => world.fail(error));
    this.#start(`${rescuer} of ${world.nowMs.toFixed(0)}`, async (process, ports) => {
      await begun;
      if (cloud.hasOutage) await runDisaster(this.#place(process, ports), cloud, back === null);
    });
  }

  #place(process: SimProcess, ports: Ports): UpkeepPlace {
    return { id: this.cloud.id, process, ports, telemetry: this.#options.telemetry };
  }

  #producerPlace(process: SimProcess, ports: Ports): ProducerPlace {
    const { network, mutant, scenario } = this.#options;
    const producer = this.#producer(process, ports);
    const { purgeHorizonMs: horizonMs, bounds } = scenario;
    const silently = { ...this.#place(process, ports), bounds, horizonMs: horizonMs ?? 0 };
    const purge = (deadline: Deadline): Promise<unknown> =>
      mutant.forgetsSilently === true ? purgeSilently(silently, deadline) : producer.purge(deadline);
    return { process, ports, producer, network, mutant, purge: horizonMs === null ? null : purge };
  }

  #startSenders(): void {
    const { world } = this;
    const { senders: count, messages, faultsMs, ...rest } = this.#options.scenario;
    const { poison, operations, atomic, senderSkewMsMax: skewMsMax } = rest;
    const isAdvanced = (): boolean => this.cloud.head?.schemaId === schemaIds.new;
    const options = { poison, operations, atomic, skewMsMax, isAdvanced };
    const senders = Array.from({ length: count }, (_, i) => new Sender(world, `app${i + 1}`, options));
    for (let i = 0; i < messages; i++) {
      const sender = world.pick(senders);
      world.schedule(world.between(0, faultsMs), () => this.#send(sender.next()));
    }
  }

  /** A message, or a claim of it. The sender that dies before the queue has it begins again. */
  #send(sent: Sent): void {
    const { cloud, world } = this;
    const { claims } = this.#options.scenario;
    if (claims === 0 || !world.chance(claims)) {
      cloud.send(sent);
      return;
    }
    const fate = world.pick(fates);
    let isSent = false;
    this.#claimsUnsent += 1;
    this.#start(`claimant ${++this.#claimCount}`, async (process, ports) => {
      if (isSent) return;
      await sendClaim({ process, ports, cloud }, sent, fate);
      isSent = true;
      this.#claimsUnsent -= 1;
    });
  }

  /** A process that starts again, with nothing in memory, some time after each crash. */
  #start(name: string, main: (process: SimProcess, ports: Ports) => Promise<void>): void {
    const { world } = this;
    const { scenario, suffix } = this.#options;
    const onCrash = (): void => {
      this.#crashCount += 1;
      this.#processes.delete(process);
      this.#consumers.delete(name);
      world.schedule(world.between(100, 5_000), () => this.#start(name, main));
    };
    const { skewMsMax } = scenario;
    const skewMs = world.between(-skewMsMax, skewMsMax);
    const process = new SimProcess(name + suffix, world, { skewMs, onCrash });
    this.#processes.add(process);
    main(process, this.portsOf(process)).catch((error: unknown) => world.fail(error));
  }

  #producer(process: SimProcess, ports: Ports): Producer {
    const { clock, random } = process;
    const bundle = this.#bundleOf(process);
    const { heads, blobs, announcer, quarantine, lateQueue } = ports;
    const { scenario, telemetry } = this.#options;
    const { purgeHorizonMs } = scenario;
    return new Producer({
      id: this.cloud.id,
      schema: schemas[bundle],
      ...(bundle === 'new' ? { advanceFrom: schemaIds.old } : {}),
      heads,
      blobs,
      ...inlineOf(ports),
      announcer,
      quarantine,
      lateQueue,
      claims: claimPorts(this.cloud.id, ports, random),
      clock,
      random,
      telemetry,
      ...(scenario.neighbour === 'partition' ? { partitions: dataset.partitions } : {}),
      chainBounds: scenario.bounds,
      ...(purgeHorizonMs === null ? {} : { purgeHorizonMs }),
    });
  }

  async #runConsumer(process: SimProcess, ports: Ports, consistency: 'strong' | 'eventual'): Promise<void> {
    const { heads, blobs, watcher } = ports;
    const { clock, random } = process;
    const { telemetry, mutant } = this.#options;
    const make = (): Consumer =>
      new Consumer({
        id: this.cloud.id,
        heads,
        blobs,
        ...inlineOf(ports),
        clock,
        random,
        telemetry,
        consistency,
      });
    // A name for each life of the process: a new one may start from an older version.
    const reader = `${process.name} (${this.#crashCount})`;
    const listen: VersionListener = ({ to }) => {
      try {
        this.world.trace(() => `${reader} serves ${to.ref.version}`);
        this.cloud.invariants.onServe(reader, to);
      } catch (error) {
        this.world.fail(error);
      }
    };
    while (mutant.consumerForgets === true) {
      const consumer = make();
      consumer.onChange(listen);
      await consumer.refresh().catch(() => undefined);
      await clock.sleep(300);
    }
    const consumer = make();
    consumer.onChange(listen);
    this.#consumers.set(this.#nameOf(process), consumer);
    consumer.start([watcher]);
  }

  #nameOf({ name }: SimProcess): string {
    return name.slice(0, name.length - this.#options.suffix.length);
  }
}

/** Of a reader that has only the bucket. */
function withoutTable({ inline: _, ...ports }: Ports): Ports {
  return ports;
}
