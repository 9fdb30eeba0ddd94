import { SeededRandom } from '../../lib/memory/random.ts';
import type { DatasetId } from '../../lib/ports.ts';
import type { ChainBounds } from '../../lib/producer/chain.ts';
import type { Deployment } from './bundles.ts';
import { drawFaults, type Faults } from './faults.ts';

/** What happens in a run, as far as it is settled beforehand. Drawn from a seed; a failure is made smaller by changing it. */
/** Calls to these sites are refused, from a share of the time of faults on. */
export interface Outage {
  readonly of: string;
  readonly at: number;
  readonly forMs: number;
}

export interface Scenario {
  /** Of everything that is drawn on the way. */
  readonly seed: number;
  /** For how long messages are sent and faults strike, virtual ms. */
  readonly faultsMs: number;
  readonly faults: Faults;
  readonly messages: number;
  readonly senders: number;
  /** One per producer. */
  readonly producers: readonly ('function' | 'service')[];
  /** One per consumer: how it reads heads. */
  readonly consumers: readonly ('strong' | 'eventual')[];
  readonly snapshotters: number;
  readonly cleaners: number;
  readonly pinners: number;
  readonly operators: number;
  /** When the table of heads is lost, share of the time of faults, and how many writes it is set back; null: all. */
  readonly disasters: readonly { readonly at: number; readonly back: number | null }[];
  /** How long producers remember deletions and operations; null: for ever. */
  readonly purgeHorizonMs: number | null;
  /** Share of messages, and of mutations, that break a rule. */
  readonly poison: number;
  /** Share of increments and conditional mutations, and of atomic messages. */
  readonly operations: number;
  readonly atomic: number;
  /** How far the clocks of senders and of processes are off, at most. */
  readonly senderSkewMsMax: number;
  readonly skewMsMax: number;
  readonly bounds: ChainBounds;
  /** Another chain beside it, in the same stores. */
  readonly neighbour: 'none' | 'tenant' | 'partition';
  /** The outbox announces what was committed, too. */
  readonly hasOutbox: boolean;
  /** A dependency that is down for a while, so that breakers open; null: none is for long. */
  readonly outage: Outage | null;
  /** Share of messages whose content lies in the inbox. */
  readonly claims: number;
  /** Bundles that know a new schema; empty: all producers have the first one, in the end too. */
  readonly deployments: readonly Deployment[];
  /** Producers put small deltas into the heads' table, whence the outbox copies them. */
  readonly hasInline: boolean;
}

const faultsMsMax = 20_000;

/** Short, so that everything that depends on the length of a chain happens in a run. */
const shortChain: ChainBounds = { recentEntriesMin: 3, chainLengthForSnapshot: 5, chainLengthMax: 12 };

const nobody = Array.from({ length: 7 }, () => 'none' as const);

/** A mix of its own for every seed. */
export function drawScenario(seed: number): Scenario {
  const drawn = fitting({ ...draw(seed), ...drawMore(seed) });
  if (!drawn.hasInline) return drawn;
  // With the table its deltas are lost, so there is nothing to recover from that has all that was acknowledged.
  const disasters = drawn.disasters.map(({ at, back }) => ({ at, back: back ?? 2 }));
  return { ...drawn, hasOutbox: true, disasters };
}

/** Applications with the sender library know one schema. */
function fitting(drawn: Scenario): Scenario {
  return drawn.neighbour === 'partition' ? { ...drawn, deployments: [] } : drawn;
}

/** Far from every seed that is run, and such that the seeds of corpus.ts are what they were. */
const more = 217 * 2 ** 40;

/** What came later has draws of its own: a seed without it is the run that it always was. */
function drawMore(seed: number): Pick<Scenario, 'claims' | 'deployments'> {
  const random = new SeededRandom(more + seed);
  const claims = random.uniform() < 1 / 12 ? 0.4 : 0;
  return { claims, deployments: random.uniform() < 1 / 12 ? drawDeployments(random) : [] };
}

/** A canary of one, often taken back, and then some or all producers. In peace the others follow (chain-run.ts). */
function drawDeployments(random: SeededRandom): readonly Deployment[] {
  const [first = 0, second = 0, third = 0] = [1, 2, 3].map(() => random.uniform()).sort((a, b) => a - b);
  const canary = { at: first, producers: 1, bundle: 'new' } as const;
  const back = { at: second, producers: 4, bundle: 'old' } as const;
  const rest = { at: third, producers: 1 + Math.floor(4 * random.uniform()), bundle: 'new' } as const;
  return random.uniform() < 0.5 ? [canary, back, rest] : [canary, rest];
}

function draw(seed: number): Omit<Scenario, keyof ReturnType<typeof drawMore>> {
  const random = new SeededRandom(seed);
  const pick = <T>(...items: readonly T[]): T => items[Math.floor(random.uniform() * items.length)] as T;
  const times = <T>(count: number, draw: () => T): T[] => Array.from({ length: count }, draw);
  return {
    seed,
    faultsMs: faultsMsMax * (0.25 + 0.75 * random.uniform()),
    faults: drawFaults(random),
    // Most runs are short: they find most, and what takes many messages is found by the others.
    messages: pick(4, 6, 8, 12, 30),
    senders: pick(1, 2, 3),
    producers: times(pick(1, 2, 2, 3, 4), () => (random.uniform() < 0.3 ? 'service' : 'function')),
    consumers: times(pick(1, 1, 2, 3), () => pick('strong', 'eventual')),
    snapshotters: pick(0, 1, 1, 2),
    cleaners: pick(0, 1, 1, 2),
    pinners: pick(0, 0, 1),
    operators: pick(0, 0, 1),
    disasters: times(pick(0, 0, 0, 0, 1, 2), () => ({
      at: random.uniform(),
      back: pick(0, 1, 2, 5, 9, null),
    })),
    purgeHorizonMs: pick(null, null, 2_000, 20_000),
    poison: pick(0, 0.08, 0.08),
    operations: pick(0, 0.2, 0.6),
    atomic: pick(0, 0.5),
    senderSkewMsMax: pick(0, 200, 5_000),
    skewMsMax: pick(0, 200, 60_000),
    bounds: shortChain,
    neighbour: pick(...nobody, ...nobody, 'partition', 'tenant'),
    hasOutbox: pick(false, false, false, false, false, true),
    hasInline: random.uniform() < 1 / 12,
    outage:
      random.uniform() < 1 / 12
        ? { of: pick('head.', 'blob.', 'announce'), at: random.uniform(), forMs: 4_000 }
        : null,
  };
}

/** One chain of a run, and who works on it. */
export interface ChainScenario {
  readonly id: DatasetId;
  readonly scenario: Scenario;
  /** Of the names of its processes. */
  readonly suffix: string;
}

const dataset = 'simulated';

/** The first chain of a run has everything; one beside it is small: another tenant's, or another partition. */
export function chainsOf(scenario: Scenario): readonly ChainScenario[] {
  if (scenario.neighbour === 'none') return [{ id: { dataset, partition: 0 }, scenario, suffix: '' }];
  if (scenario.neighbour === 'partition') {
    // Applications send, to whichever partition it is.
    const silent = { ...scenario, messages: 0 };
    return [
      { id: { dataset, partition: 0 }, scenario: silent, suffix: '' },
      { id: { dataset, partition: 1 }, scenario: smaller(silent), suffix: ' of 1' },
    ];
  }
  return [
    { id: { tenant: 'a', dataset, partition: 0 }, scenario, suffix: '' },
    { id: { tenant: 'b', dataset, partition: 0 }, scenario: smaller(scenario), suffix: ' of b' },
  ];
}

function smaller(scenario: Scenario): Scenario {
  const { messages, producers, consumers, cleaners } = scenario;
  return {
    ...scenario,
    messages: Math.ceil(messages / 3),
    senders: 1,
    producers: producers.slice(0, 1),
    consumers: consumers.slice(0, 1),
    snapshotters: 0,
    cleaners: Math.min(cleaners, 1),
    pinners: 0,
    operators: 0,
    disasters: [],
    hasOutbox: false,
    hasInline: false,
  };
}
