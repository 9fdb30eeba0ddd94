import { newestSnapshot, servedHead } from '../head-rules.ts';
import { limits } from '../limits.ts';
import type { Announcement, DatasetId, Head } from '../ports.ts';
import type { ProducerContext } from './context.ts';

/** The hint of what a head says to serve. Pure. */
export function announcementOf(
  id: DatasetId,
  stored: Head,
  committedAtMs: number,
  correlationIds: readonly string[],
): Announcement {
  const head = servedHead(stored);
  const { era, serve, version, cid, mapGeneration } = head;
  const before = [...head.recent, ...head.snapshots].find((entry) => entry.version === version - 1);
  return {
    id,
    era,
    epoch: serve.epoch,
    version,
    cid,
    mapGeneration,
    previousCid: before?.cid ?? '',
    hash: head.hashes.data,
    size: head.recent.at(-1)?.size ?? 0,
    snapshotVersion: newestSnapshot(head).version,
    committedAtMs,
    correlationIds: [...new Set(correlationIds)].slice(0, limits.correlationIdsMax),
  };
}

/** Sends the hint, after the commit. A lost one costs freshness until the next poll and nothing else, so it is only counted. */
export async function announce(
  context: Pick<ProducerContext, 'announcer' | 'telemetry'>,
  announcement: Announcement,
): Promise<void> {
  try {
    await context.announcer.announce(announcement);
  } catch (error) {
    context.telemetry.record('AnnouncementsFailed', 1);
    context.telemetry.log('warn', 'an announcement failed', { version: announcement.version, error });
  }
}
