/**
 * `serverless-hollow/local`: the ports on one machine, for development, tests and small installations: blobs and
 * announcements as files, heads and the queue in SQLite. Also the system's own clock and randomness, which the other
 * adapters take, and a directory in Hollow's own layout, for stock Java consumers.
 *
 * @example
 * import { LocalBlobStore, LocalHeadStore, systemClock, systemRandom } from 'serverless-hollow/local';
 *
 * const heads = new LocalHeadStore('data/heads.sqlite');
 * const blobs = new LocalBlobStore('data/blobs');
 */

export {
  HollowDirectoryReader,
  type HollowDirectoryReaderOptions,
  type HollowState,
} from './hollow-directory/directory-reader.ts';
export {
  type ExportedBlob,
  type ExportedVersion,
  exportVersion,
  hollowVersionOf,
} from './hollow-directory/export-version.ts';
export { HollowExport, type HollowExportOptions } from './hollow-directory/hollow-export.ts';
export { LocalAnnouncements, type LocalAnnouncementsOptions } from './local/announcements.ts';
export { LocalBlobStore } from './local/blob-store.ts';
export { LocalFloorRecord } from './local/floor-record.ts';
export { LocalHeadStore } from './local/head-store.ts';
export { LocalMutationQueue, type LocalMutationQueueOptions } from './local/mutation-queue.ts';
export { LocalQuarantine } from './local/quarantine.ts';
export { systemClock } from './local/system-clock.ts';
export { systemCodec } from './local/system-codec.ts';
export { systemRandom } from './local/system-random.ts';
