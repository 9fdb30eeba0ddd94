import { DatasetError } from './errors.ts';
import type { DatasetId } from './ports.ts';

/** Of tenants, datasets and pins: nothing in it separates anything anywhere. */
export const namePattern = /^[a-z0-9][a-z0-9-]{0,62}$/;
const partitionMax = 99_999;

/**
 * Refuses (`invalid`) an id that could escape from its place in a key, a path or a policy. Every name that is built
 * from an id goes through here, so no separator of those (`#`, `/`, `.`, `%`) can come from one.
 */
export function checkDatasetId(id: DatasetId): void {
  const problem = datasetIdProblem(id);
  if (problem !== null) throw new DatasetError('invalid', problem);
}

/** Null, or the rule that the id breaks. */
export function datasetIdProblem(id: DatasetId): string | null {
  if (id.tenant !== undefined && !namePattern.test(id.tenant))
    return `tenant must match ${namePattern.source}`;
  if (!namePattern.test(id.dataset)) return `dataset must match ${namePattern.source}`;
  if (!Number.isInteger(id.partition) || id.partition < 0 || id.partition > partitionMax) {
    return `partition must be an integer from 0 to ${partitionMax}`;
  }
  return null;
}

/** `tenant/dataset/partition`, or `dataset/partition`. For logs, and as a key where `/` is free. */
export function printDatasetId(id: DatasetId): string {
  return id.tenant === undefined
    ? `${id.dataset}/${id.partition}`
    : `${id.tenant}/${id.dataset}/${id.partition}`;
}
