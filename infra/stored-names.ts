/** How items and blobs of a dataset are named, as policies and rules say it. */
import { namedDataset } from '../lib/settings.ts';

/** Where everything of a dataset lies, apart from that of other datasets and tenants. */
export function folderOf(name: string): string {
  const { tenant, dataset } = namedDataset(name, 0);
  return tenant === undefined ? `d/${dataset}` : `t/${tenant}/${dataset}`;
}

/**
 * The partition key of a partition's items; null: a pattern for all partitions.
 *
 * @param kind C: heads, as lib/aws/head-item.ts names them; B: small deltas, as lib/aws/inline-blobs.ts does
 */
export function itemKey(kind: 'C' | 'B', dataset: string, partition: number | null): string {
  const id = namedDataset(dataset, 0);
  return `${kind}#${id.tenant ?? ''}#${id.dataset}#${partition ?? '*'}`;
}

/** The names of the dataset's blobs in every generation, as lib/blob/blob-names.ts makes them. */
export function blobNames(dataset: string, partition: number | null): string {
  const folder = folderOf(dataset);
  return partition === null ? `${folder}/*` : `${folder}/*/${partition}/*`;
}

/** The copy of the partition's floor, as lib/blob/blob-names.ts makes it. */
export function floorName(dataset: string, partition: number): string {
  return `${folderOf(dataset)}/floor/${partition}`;
}
