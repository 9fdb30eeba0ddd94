import { rescuer } from './ports.ts';

/** The restore, and the first commit after it. */
export const rescuerAndProducer = `${rescuer} and producer 2` as const;

/** A producer with the new bundle. */
export const advancer = 'new producer' as const;

/** Who is there, and who goes on when nobody else is to. */
export const casts = {
  upkeep: ['producer 1', 'producer 2', 'pinner', 'snapshotter', 'cleaner'],
  restore: ['producer 1', rescuer, 'snapshotter', 'cleaner'],
  /** An old bundle and a new one, which advances the schema. */
  advance: ['producer 1', advancer, 'snapshotter', 'cleaner'],
  /** A pin that is younger than what the cleaner has read. */
  latePin: ['snapshotter', 'cleaner', 'pinner'],
  /** A commit that has read a snapshot which the restored table does not know. */
  lostSnapshot: ['snapshotter', 'producer 1', rescuer],
  /** A commit on a version that was lost, and whose number another one has now. */
  lostVersion: ['producer 1', rescuerAndProducer],
} as const;

export type Cast = keyof typeof casts;
export type Role = (typeof casts)[Cast][number];

export const allCasts = Object.keys(casts) as readonly Cast[];
