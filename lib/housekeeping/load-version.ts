import { advance, type VersionSource } from '../consumer/advance.ts';
import { bookkeepingPart, type LoadedVersion } from '../consumer/loaded-version.ts';
import { DatasetError, isDatasetError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { BlobStore, DatasetId, Head, HeadReader, Telemetry } from '../ports.ts';
import { isBookkeepingType } from '../producer/bookkeeping-schema.ts';

/** Where versions are read from. */
export interface VersionStores {
  readonly blobs: BlobStore;
  /** Where inline deltas are, if there are any. */
  readonly inline?: BlobStore | undefined;
}

/** Everything of a dataset, whatever its schema is. */
export function wholeSource(id: DatasetId, { blobs, inline }: VersionStores): VersionSource {
  return { id, blobs, inline, parts: new Map([[bookkeepingPart, isBookkeepingType]]), indexedTypes: [] };
}

/**
 * The version of a head, along the consumer's own path, every state on the way held against its hash.
 *
 * @throws DatasetError `corrupt`: the head's plan is not readable
 */
export async function loadVersion(
  source: VersionSource,
  current: LoadedVersion | null,
  head: Head,
  forceSnapshot = false,
): Promise<LoadedVersion> {
  const step = await advance(source, current, head, { forceSnapshot });
  const loaded = step?.loaded ?? current;
  if (loaded === null || loaded.ref.cid !== head.cid) {
    throw new DatasetError('corrupt', 'the head is older than a version that was loaded', {
      version: head.version,
    });
  }
  return loaded;
}

export interface HeadSource extends VersionSource {
  readonly heads: HeadReader;
  readonly telemetry: Telemetry;
}

/** The head as it is, and its version. Blobs that are gone or bad may be so because the head has moved: look again. */
export async function loadNewest(
  source: HeadSource,
  current: LoadedVersion | null,
  known: Head,
): Promise<{ head: Head; loaded: LoadedVersion }> {
  let head: Head | null = known;
  for (let attempt = 1; ; attempt++) {
    if (head === null) throw new DatasetError('corrupt', 'the head of a dataset that had versions is gone');
    try {
      return { head, loaded: await loadVersion(source, current, head, attempt > 1) };
    } catch (error) {
      if (!isDatasetError(error, 'corrupt') || attempt === limits.refreshAttemptsMax) throw error;
      source.telemetry.log('warn', 'a version could not be loaded', { attempt, error });
      head = await source.heads.load(source.id, 'strong');
    }
  }
}
