/** The table at the end. */
import type { DeploymentRecord } from '../../lib/local-cloud/code-deploy/code-deploy.ts';
import { exposedMs } from './expectations.ts';
import { defaultMinuteMs, type Rolled } from './rehearsal.ts';
import type { Scenario } from './scenarios.ts';

export interface Played {
  readonly scenario: Scenario;
  readonly rolled: Rolled;
  readonly problems: readonly string[];
}

const columns = [
  'scenario',
  'came of it',
  'look-ups',
  'failed',
  'again at once',
  'after rollback',
  'batches',
  'failed',
  'weights, %',
  'taken back after',
  'mutations',
  'in once',
] as const;

function rowOf({ scenario, rolled, problems }: Played): readonly string[] {
  const { lookups, batches, deployments, accepted, lost } = rolled;
  const failed = lookups.filter(({ hasFailed }) => hasFailed);
  return [
    scenario.name,
    problems.length > 0 ? 'NOT AS EXPECTED' : outcomeOf(rolled),
    String(lookups.length),
    String(failed.length),
    String(failed.filter(({ failedAtOnce }) => failedAtOnce).length),
    String(failed.filter(({ failedLater }) => failedLater).length),
    String(batches.length),
    String(batches.filter(({ isError }) => isError).length),
    deployments.map(weightsOf).join('; '),
    deployments.map(takenBackOf).join(''),
    String(accepted),
    lost.length === 0 ? 'all' : `NOT ${lost.length}`,
  ];
}

function outcomeOf({ refusal, deployments }: Rolled): string {
  if (refusal === null) return 'took over';
  return deployments.some(({ weights }) => weights.length > 0)
    ? 'rolled back by alarm'
    : 'refused by its check';
}

const weightsOf = ({ weights }: DeploymentRecord): string =>
  weights.map(({ weight }) => Math.round(100 * weight)).join(' ') || 'none';

function takenBackOf(deployment: DeploymentRecord): string {
  const ms = exposedMs(deployment);
  return ms === null ? '' : `${(ms / 1_000).toFixed(1)} s = ${(ms / defaultMinuteMs).toFixed(1)} min`;
}

/** Lines of text; the first has the names of the columns. */
export function tableOf(played: readonly Played[]): readonly string[] {
  const rows = [columns, ...played.map(rowOf)];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
