/** What must be true of a deployment. Each function gives the problems it finds; none: all is well. */
import type { DeploymentRecord } from '../../lib/local-cloud/code-deploy/code-deploy.ts';
import type { Rolled } from './rehearsal.ts';

/** The version that the deployment brought. */
const isOfNew = (deployment: DeploymentRecord, version: string): boolean =>
  version === deployment.order.toVersion;

/** From the first traffic of the new version until it was taken back, in ms; null: it was not, or it had all of it. */
export function exposedMs({ weights }: DeploymentRecord): number | null {
  const [first, last] = [weights.at(0), weights.at(-1)];
  if (first === undefined || last?.weight !== 0 || weights.some(({ weight }) => weight === 1)) return null;
  return last.atMs - first.atMs;
}

/** The hook refused it for this reason: nobody was answered by it, and nobody noticed. */
export function checkNoTraffic(rolled: Rolled, reason: string): readonly string[] {
  const refused = rolled.deployments.filter(({ hooks }) => hooks['BeforeAllowTraffic'] === 'Failed');
  const [deployment] = refused;
  if (deployment === undefined) return [`the check did not refuse it: ${rolled.refusal}`];
  const isConsumer = deployment.order.functionName.includes('Consumer');
  const asked = isConsumer ? rolled.lookups.map(({ version }) => version) : ofProducer(rolled);
  return [
    ...(rolled.findings.some((finding) => finding.includes(reason))
      ? []
      : [`the check said ${rolled.findings.join()}`]),
    ...(deployment.weights.length > 0 ? ['it was given traffic'] : []),
    ...(asked.some((version) => isOfNew(deployment, version)) ? ['somebody was answered by it'] : []),
    ...(rolled.accepted === 0 ? ['nothing was written'] : []),
    ...checkReads(rolled),
  ];
}

/** It passed both checks, has all of the traffic, and had a part of it beside the version before; nobody noticed. */
export function checkTakenOver(rolled: Rolled, functions: readonly string[]): readonly string[] {
  const problems = [...checkReads(rolled)];
  if (rolled.refusal !== null) problems.push(`it was refused: ${rolled.refusal}`);
  for (const part of functions) {
    const deployment = rolled.deployments.find(({ order }) => order.functionName.includes(part));
    if (deployment === undefined) {
      problems.push(`nothing was deployed to ${part}`);
      continue;
    }
    const { hooks, weights, fromVersion, order } = deployment;
    if (hooks['BeforeAllowTraffic'] !== 'Succeeded' || hooks['AfterAllowTraffic'] !== 'Succeeded') {
      problems.push(`${part}: hooks said ${JSON.stringify(hooks)}`);
    }
    if (weights.length < 2 || weights.at(-1)?.weight !== 1) problems.push(`${part}: not in steps`);
    const versions = part === 'Consumer' ? rolled.lookups.map(({ version }) => version) : ofProducer(rolled);
    for (const version of [fromVersion, order.toVersion]) {
      if (!versions.includes(version)) problems.push(`${part}: version ${version} did nothing`);
    }
  }
  return problems;
}

/** An alarm took it back before it had all of the traffic, and no more failed than the part of the traffic that it had. */
export function checkConsumerRollback(rolled: Rolled): readonly string[] {
  const [deployment] = rolled.deployments;
  if (deployment === undefined || exposedMs(deployment) === null)
    return [`no alarm took it back: ${rolled.refusal}`];
  const failed = rolled.lookups.filter(({ hasFailed }) => hasFailed);
  const repeated = failed.filter(({ failedAtOnce }) => failedAtOnce);
  const { meanMax, boundMax } = failuresMax(rolled, deployment);
  // Of the alarms that are on, the deployment names the first: this one alone sees it.
  const isSeenByVersion = rolled.refusal?.includes('NewVersionFails') ?? false;
  const again = boundOf(failed.length, Math.max(...deployment.weights.map(({ weight }) => weight)));
  return [
    ...(failed.length === 0 ? ['it did not fail: this showed nothing'] : []),
    ...(isSeenByVersion ? [] : [`another alarm took it back: ${rolled.refusal}`]),
    ...(failed.every(({ version }) => isOfNew(deployment, version))
      ? []
      : ['the version before failed, too']),
    ...(failed.length > boundMax
      ? [
          `${failed.length} failed; ${meanMax.toFixed(1)} is its part, ${boundMax.toFixed(1)} what chance allows`,
        ]
      : []),
    ...(repeated.length > again ? [`${repeated.length} of ${failed.length} failed again at once`] : []),
    ...(failed.some(({ failedLater }) => failedLater) ? ['some failed again after the rollback'] : []),
    ...(rolled.lookups.some(({ isWrong }) => isWrong) ? ['a look-up was answered wrong'] : []),
    ...rolled.lost,
  ];
}

/** As for a consumer; what a batch fails with comes again, and is in once. */
export function checkProducerRollback(rolled: Rolled): readonly string[] {
  const [deployment] = rolled.deployments;
  if (deployment === undefined || exposedMs(deployment) === null)
    return [`no alarm took it back: ${rolled.refusal}`];
  const failed = rolled.batches.filter(({ isError }) => isError);
  return [
    ...(failed.length === 0 ? ['it did not fail: this showed nothing'] : []),
    ...(failed.every(({ executedVersion }) => isOfNew(deployment, executedVersion))
      ? []
      : ['the version before failed, too']),
    ...(rolled.accepted === 0 ? ['nothing was written'] : []),
    ...checkReads(rolled),
  ];
}

const ofProducer = ({ batches }: Rolled): readonly string[] =>
  batches.map(({ executedVersion }) => executedVersion);

function checkReads({ lookups, lost }: Rolled): readonly string[] {
  const failed = lookups.filter(({ hasFailed }) => hasFailed).length;
  const wrong = lookups.filter(({ isWrong }) => isWrong).length;
  return [
    ...(lookups.length === 0 ? ['nothing was read'] : []),
    ...(failed > 0 ? [`${failed} look-ups failed`] : []),
    ...(wrong > 0 ? [`${wrong} look-ups were answered wrong`] : []),
    ...lost,
  ];
}

/** Failures that the weights allow: of the look-ups that began while the new version had a part of them, that part. */
function failuresMax(
  { lookups }: Rolled,
  { weights }: DeploymentRecord,
): { readonly meanMax: number; readonly boundMax: number } {
  let [mean, variance] = [0, 0];
  for (const { atMs } of lookups) {
    const weight = weights.findLast((step) => step.atMs <= atMs)?.weight ?? 0;
    mean += weight;
    variance += weight * (1 - weight);
  }
  return { meanMax: mean, boundMax: mean + deviations * Math.sqrt(variance) + 1 };
}

/** How many of `count` may be drawn with this chance each. */
function boundOf(count: number, chance: number): number {
  return count * chance + deviations * Math.sqrt(count * chance * (1 - chance)) + 1;
}

/** What chance does beyond these is no chance: once in 30,000 runs. */
const deviations = 4;
