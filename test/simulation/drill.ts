import type { Recovery } from './heads.ts';
import { drawScenario } from './scenario.ts';
import { simulate } from './simulate.ts';

export interface Drill {
  readonly recoveries: readonly Recovery[];
  /** Of a seed that broke an invariant; null: no split brain, nothing lost but what the lag says. */
  readonly failure: string | null;
}

/**
 * The home of a chain is lost while messages come in and everything else fails, too. A replica of the table that is
 * `lagVersions` writes behind is promoted by the restore procedure, and every message is sent again. All invariants
 * hold: what the old home still tries to write fails, and in the end everything is in. Blobs are taken to be replicated
 * before the head is.
 */
export async function drill(seeds: number, lagVersions: number): Promise<Drill> {
  const recoveries: Recovery[] = [];
  for (let seed = 0; seed < seeds; seed++) {
    const scenario = { ...drawScenario(seed), messages: 30, disasters: [{ at: 0.6, back: lagVersions }] };
    const result = await simulate({ scenario });
    if (result.violation !== null)
      return { recoveries, failure: `seed ${seed}: ${result.violation.message}` };
    recoveries.push(...result.recoveries);
  }
  return { recoveries, failure: null };
}

/** The value below which this share of all lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
