import type { MetricName } from '../../lib/metric-names.ts';
import type { Telemetry } from '../../lib/ports.ts';
import type { Receipt } from '../../lib/receipt.ts';
import { Application } from './application.ts';
import { ChainRun } from './chain-run.ts';
import { Coverage } from './coverage.ts';
import type { Recovery } from './heads.ts';
import type { Mutant } from './mutants.ts';
import { type Down, Network } from './network.ts';
import type { SimProcess } from './process.ts';
import { chainsOf, type Scenario } from './scenario.ts';
import { SharedStores } from './shared-stores.ts';
import { Cloud } from './stores.ts';
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

/** Virtual times. */
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
  readonly #telemetry = new ConflictCount();
  readonly #chains: readonly ChainRun[];
  readonly #applications: readonly Application[];
  readonly #receipts: Receipt[] = [];

  constructor({ scenario, mutant = {}, onLine, coverage = new Coverage() }: SimulationOptions) {
    this.#scenario = scenario;
    const world = new World(scenario.seed, onLine ?? null);
    const network = new Network(world, scenario.faults, coverage, downOf(scenario));
    const shared = new SharedStores();
    this.world = world;
    this.#network = network;
    this.#chains = chainsOf(scenario).map(({ id, suffix, ...chain }) => {
      const { bounds, producers, operators, hasInline } = chain.scenario;
      const committers = producers.length + operators + 1;
      const cloud = new Cloud(world, network, {
        id,
        shared,
        lax: mutant.lax ?? {},
        hasInline,
        bounds,
        committers,
      });
      return new ChainRun({ world, network, cloud, mutant, suffix, telemetry: this.#telemetry, ...chain });
    });
    this.#applications = this.#newApplications(mutant.misroutes === true);
  }

  #newApplications(misroutes: boolean): readonly Application[] {
    const { neighbour, senders, messages, faultsMs, senderSkewMsMax } = this.#scenario;
    if (neighbour !== 'partition') return [];
    const sinksOf = (process: SimProcess) => {
      const sinks = this.#chains.map((chain) => chain.portsOf(process).sink);
      return misroutes ? sinks.reverse() : sinks;
    };
    return Array.from(
      { length: senders },
      (_, i) =>
        new Application({
          name: `app${i + 1}`,
          world: this.world,
          telemetry: this.#telemetry,
          mutations: Math.ceil(messages / senders),
          withinMs: faultsMs,
          skewMsMax: senderSkewMsMax,
          sinksOf,
          onAccepted: (receipt) => this.#keep(receipt),
        }),
    );
  }

  /** S4: what a sender holds a receipt of is in the queue. */
  #keep(receipt: Receipt): void {
    const { partition, source, sequence } = receipt;
    const numbered = this.#chains[partition]?.cloud.oracle.numbered(source, sequence) ?? [];
    if (numbered.length === 0)
      throw new Violation('S4', `message ${sequence} of ${source} was accepted, and no queue has it`);
    this.#receipts.push(receipt);
  }

  #requireReceipts(): void {
    for (const receipt of this.#receipts) {
      if (this.#chains[receipt.partition]?.cloud.invariants.isVisible(receipt) !== true)
        throw new Violation('L2', `the receipt ${JSON.stringify(receipt)} is never good`);
    }
  }

  async go(): Promise<void> {
    const { world } = this;
    const chains = this.#chains;
    const applications = this.#applications;
    for (const chain of chains) chain.begin();
    for (const application of applications) application.start();
    await world.run(this.#scenario.faultsMs);

    world.trace(() => 'FAULTS OFF');
    world.areFaultsOn = false;
    for (const each of [...chains, ...applications]) each.thaw();
    for (const chain of chains) chain.endRollout();
    const isDrained = (): boolean =>
      applications.every(({ isDone }) => isDone) && chains.every((chain) => chain.isDrained());
    await world.run(world.nowMs + drainMsMax, isDrained);
    if (!applications.every(({ isDone }) => isDone))
      throw new Violation('L1', 'a sender does not come to its end');
    for (const chain of chains) chain.requireDrained();
    // What was sent before may still be applied, and be a message.
    await world.run(world.nowMs + 10_000, () => this.#network.lateCount === 0);
    await world.run(world.nowMs + drainMsMax, isDrained);
    for (const chain of chains) chain.requireDrained();
    const areAllCurrent = (): boolean => chains.every((chain) => chain.areAllCurrent());
    await world.run(world.nowMs + catchUpMsMax, areAllCurrent);
    if (!areAllCurrent())
      throw new Violation('L2', 'a consumer does not get to the head, or nobody was told of it');
    for (const { cloud } of chains) cloud.invariants.requireComplete();
    this.#requireReceipts();
    // What was slow on its way arrives first.
    await world.run(world.nowMs + 3_000);
    for (const chain of chains) await chain.requireClean();
  }

  result(violation: Violation | null): SimulationResult {
    const { world } = this;
    const sum = (of: (chain: ChainRun) => number): number =>
      this.#chains.reduce((all, chain) => all + of(chain), 0);
    return {
      scenario: this.#scenario,
      digest: world.digest(),
      eventCount: world.eventCount,
      commitCount: sum(({ cloud }) => cloud.invariants.commitCount),
      conflictCount: this.#telemetry.count,
      crashCount: sum(({ crashCount }) => crashCount),
      recoveries: this.#chains.flatMap(({ cloud }) => cloud.recoveries),
      violation,
      lastLines: world.lastLines,
    };
  }
}

function downOf({ outage, faultsMs }: Scenario): Down | null {
  if (outage === null) return null;
  const fromMs = outage.at * faultsMs;
  return { of: outage.of, fromMs, toMs: fromMs + outage.forMs };
}

/** Counts lost races; all else that is logged and recorded is let go. */
class ConflictCount implements Telemetry {
  count = 0;

  log(): void {}

  record(metric: MetricName): void {
    if (metric === 'CommitConflicts') this.count += 1;
  }
}
