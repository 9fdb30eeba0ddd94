import { DatasetError, isDatasetError } from '../errors.ts';
import { servedHead } from '../head-rules.ts';
import { limits } from '../limits.ts';
import type { HeadReader, Telemetry } from '../ports.ts';
import { type Advance, advance, type VersionSource } from './advance.ts';
import type { LoadedVersion } from './loaded-version.ts';

export interface RefreshSource extends VersionSource {
  readonly heads: HeadReader;
  /** How the head is read. `strong` sees every commit acknowledged before. */
  readonly consistency: 'strong' | 'eventual';
  readonly telemetry: Telemetry;
}

/**
 * One refresh: read the head, go to the version that it says to serve. Null: `current` is as new as the head, or the dataset has no version yet.
 *
 * When a blob turns out missing or bad the head may have moved on (and the blob been deleted), or the blob is broken for
 * good: the next attempts read the head afresh and go over a snapshot. `current` is never touched.
 */
export async function refresh(source: RefreshSource, current: LoadedVersion | null): Promise<Advance | null> {
  for (let attempt = 1; ; attempt++) {
    const stored = await source.heads.load(source.id, source.consistency);
    if (stored === null) return null;
    const head = servedHead(stored);
    try {
      return await advance(source, current, head, { forceSnapshot: attempt > 1 });
    } catch (error) {
      if (!isDatasetError(error, 'corrupt')) throw error;
      source.telemetry.log('warn', 'a refresh met a bad or missing blob', { attempt, error });
      if (attempt >= limits.refreshAttemptsMax) {
        throw new DatasetError(
          'corrupt',
          `version ${head.version} is not readable after ${attempt} attempts`,
          { version: head.version, attempts: attempt },
          error,
        );
      }
    }
  }
}
