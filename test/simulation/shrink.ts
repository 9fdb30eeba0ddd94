import { faultKinds, withoutFault } from './faults.ts';
import type { Mutant } from './mutants.ts';
import type { Scenario } from './scenario.ts';
import { type SimulationResult, simulate } from './simulate.ts';

/** Other draws that are tried for each smaller scenario: what is left out changes all that is drawn after it. */
const seedsPerStep = 12;

/** A bound on the time it takes. */
const runsMax = 4_000;

export interface Shrunk {
  readonly result: SimulationResult;
  readonly runs: number;
}

/**
 * The smallest scenario found that breaks the same invariant: a shorter time of faults, fewer messages and processes, and
 * no kind of fault that is not needed. What is left is short enough to be read.
 *
 * @param failed a run with a violation
 */
export async function shrink(failed: SimulationResult, mutant: Mutant): Promise<Shrunk> {
  const invariant = failed.violation?.invariant ?? '';
  let best = failed;
  let runs = 0;
  const fails = async (scenario: Scenario): Promise<SimulationResult | null> => {
    for (let i = 0; i < seedsPerStep && runs < runsMax; i++) {
      runs += 1;
      const result = await simulate({ scenario: { ...scenario, seed: scenario.seed + i }, mutant });
      if (result.violation?.invariant === invariant) return result;
    }
    return null;
  };
  for (let isSmaller = true; isSmaller && runs < runsMax; ) {
    isSmaller = false;
    for (const step of steps) {
      for (;;) {
        const smaller = step(best.scenario);
        const result = smaller === null ? null : await fails(smaller);
        if (result === null) break;
        best = result;
        isSmaller = true;
      }
    }
  }
  return { result: best, runs };
}

/** The scenario in words, without what it does not have. */
export function describeScenario(scenario: Scenario): string {
  const faults = faultKinds.filter((fault) => scenario.faults[fault] > 0);
  return [
    `seed ${scenario.seed}`,
    `${scenario.messages} messages of ${scenario.senders} senders in ${scenario.faultsMs.toFixed(0)} ms`,
    `producers: ${scenario.producers.join(', ') || 'none'}`,
    `consumers: ${scenario.consumers.join(', ') || 'none'}`,
    `upkeep: ${scenario.snapshotters} snapshotters, ${scenario.cleaners} cleaners, ${scenario.pinners} pinners, ${scenario.operators} operators, ${scenario.disasters.length} disasters, purge ${String(scenario.purgeHorizonMs)}`,
    `claims ${scenario.claims}, deployments: ${scenario.deployments.map(({ bundle, producers }) => `${bundle} at ${producers}`).join(', ') || 'none'}`,
    `faults: ${faults.join(', ') || 'none'}`,
  ].join('; ');
}

/** Each gives something smaller, or null if there is nothing to leave out. The big ones first. */
type Step = (scenario: Scenario) => Scenario | null;

const steps: readonly Step[] = [
  (s) => (s.messages > 1 ? { ...s, messages: Math.floor(s.messages / 2) } : null),
  (s) => (s.faultsMs > 100 ? { ...s, faultsMs: s.faultsMs / 2 } : null),
  (s) => (s.producers.length > 1 ? { ...s, producers: s.producers.slice(1) } : null),
  (s) => (s.consumers.length > 0 ? { ...s, consumers: s.consumers.slice(1) } : null),
  (s) => (s.snapshotters > 0 ? { ...s, snapshotters: s.snapshotters - 1 } : null),
  (s) => (s.cleaners > 0 ? { ...s, cleaners: s.cleaners - 1 } : null),
  (s) => (s.pinners > 0 ? { ...s, pinners: 0 } : null),
  (s) => (s.operators > 0 ? { ...s, operators: 0 } : null),
  (s) => (s.disasters.length > 0 ? { ...s, disasters: s.disasters.slice(1) } : null),
  (s) => (s.neighbour === 'none' ? null : { ...s, neighbour: 'none' }),
  (s) => (s.outage === null ? null : { ...s, outage: null }),
  (s) => (s.hasInline ? { ...s, hasInline: false } : null),
  (s) => (s.hasOutbox && !s.hasInline ? { ...s, hasOutbox: false } : null),
  (s) => (s.purgeHorizonMs === null ? null : { ...s, purgeHorizonMs: null }),
  ...faultKinds.map(
    (fault): Step =>
      (s) =>
        s.faults[fault] > 0 ? { ...s, faults: withoutFault(s.faults, fault) } : null,
  ),
  (s) => (s.poison > 0 ? { ...s, poison: 0 } : null),
  (s) => (s.operations > 0 ? { ...s, operations: 0 } : null),
  (s) => (s.deployments.length > 0 ? { ...s, deployments: s.deployments.slice(0, -1) } : null),
  (s) => (s.claims > 0 ? { ...s, claims: 0 } : null),
  (s) => (s.atomic > 0 ? { ...s, atomic: 0 } : null),
  (s) => (s.senders > 1 ? { ...s, senders: 1 } : null),
  (s) => (s.skewMsMax > 0 ? { ...s, skewMsMax: 0 } : null),
  (s) => (s.senderSkewMsMax > 0 ? { ...s, senderSkewMsMax: 0 } : null),
  (s) => (s.messages > 1 ? { ...s, messages: s.messages - 1 } : null),
];
