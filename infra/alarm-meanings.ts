/**
 * What each alarm means, for the person it wakes. The name, in small letters with hyphens, is the heading of its runbook
 * in docs/operations.md.
 *
 * `page`: users are hurt or data is about to be, come now. `ticket`: look at it in working hours. `data`: the system
 * works, what it was given looks wrong.
 */
export interface AlarmMeaning {
  readonly severity: 'page' | 'ticket' | 'data';
  /** Side of the dataset that it tells of: alarms of one side are one page. */
  readonly side: 'writing' | 'reading';
  readonly meaning: string;
}

export const alarmMeanings = {
  MutationsWait: {
    severity: 'page',
    side: 'writing',
    meaning: 'Mutations wait longer than a producer may be inactive: nothing new becomes visible.',
  },
  MutationsPile: {
    severity: 'page',
    side: 'writing',
    meaning: 'More mutations come than the producer commits, and the queue fills.',
  },
  ProducerFails: {
    severity: 'page',
    side: 'writing',
    meaning:
      'Invocations of the producer end in an error: its messages come again until they are dead letters.',
  },
  MessagesFail: {
    severity: 'page',
    side: 'writing',
    meaning:
      'The producer runs but cannot commit what it gets: storage fails, or a rule refuses the next version.',
  },
  ChainGrows: {
    severity: 'page',
    side: 'writing',
    meaning: 'Snapshots fail. When the chain of deltas is at its bound, commits stop.',
  },
  DeadLetters: {
    severity: 'page',
    side: 'writing',
    meaning: 'Messages were given up after many attempts. They are kept for 14 days.',
  },
  ProducerMemory: {
    severity: 'page',
    side: 'writing',
    meaning: 'The producer is close to the end of its memory; past it, it cannot load the dataset any more.',
  },
  Quarantine: {
    severity: 'ticket',
    side: 'writing',
    meaning: 'Mutations broke a rule and were set aside with the reason. The rest was committed.',
  },
  Conflicts: {
    severity: 'ticket',
    side: 'writing',
    meaning: 'Producers lose most of their commits to each other: work is done twice and latency rises.',
  },
  NewVersionFails: {
    severity: 'ticket',
    side: 'writing',
    meaning:
      'Invocations of the version of a function that was deployed last fail within a minute; a deployment that is under way is rolled back.',
  },
  RolloutFails: {
    severity: 'ticket',
    side: 'writing',
    meaning: 'Invocations of a function fail within a minute; a deployment that is under way is rolled back.',
  },
  LateMutations: {
    severity: 'ticket',
    side: 'writing',
    meaning: 'Mutations came so late that the history they belong to was purged; they were set aside.',
  },
  SettingsRefused: {
    severity: 'ticket',
    side: 'writing',
    meaning: 'Functions refuse the settings that are deployed, and go on with those before.',
  },
  HousekeepingFails: {
    severity: 'ticket',
    side: 'writing',
    meaning:
      'The snapshotter, the cleaner or the purger failed more than once in an hour, twice: chain, bucket or bookkeeping will grow.',
  },
  OutboxLags: {
    severity: 'ticket',
    side: 'writing',
    meaning: 'The outbox is behind the stream of commits: commits whose producer died are not announced.',
  },
  AnnouncementsFail: {
    severity: 'ticket',
    side: 'writing',
    meaning: 'Commits are not announced. Readers find them at their next poll, later than usual.',
  },
  RecordCount: {
    severity: 'data',
    side: 'writing',
    meaning:
      'The dataset has fewer records than its history lets one expect: a source may be sending deletions.',
  },
  ConsumerFails: {
    severity: 'page',
    side: 'reading',
    meaning: 'Invocations of a consumer end in an error: its callers get no answer.',
  },
  RefreshesFail: {
    severity: 'page',
    side: 'reading',
    meaning: 'A consumer cannot take new versions over. It serves what it has.',
  },
  Lag: {
    severity: 'page',
    side: 'reading',
    meaning: 'Consumers serve new versions later than promised.',
  },
  ConsumerMemory: {
    severity: 'page',
    side: 'reading',
    meaning: 'A consumer is close to the end of its memory; past it, it restarts and loads again.',
  },
  AnswersFail: {
    severity: 'page',
    side: 'reading',
    meaning:
      'Requests to a service of containers fail: its callers get no answer. A deployment that is under way is rolled back.',
  },
  HeadAge: {
    severity: 'page',
    side: 'reading',
    meaning:
      'Containers have not seen the head for longer than they may: how old what they serve is, they cannot say.',
  },
  Heartbeat: {
    severity: 'page',
    side: 'reading',
    meaning: 'No container of a service has been heard of for three minutes.',
  },
  ReplicaLags: {
    severity: 'ticket',
    side: 'reading',
    meaning:
      'Blobs reach the other region late: its readers serve old data, and would lose more in a failover.',
  },
  ReplicaFails: {
    severity: 'ticket',
    side: 'reading',
    meaning: 'S3 could not copy objects to the other region, and does not try again.',
  },
  Undelivered: {
    severity: 'ticket',
    side: 'reading',
    meaning:
      'Announcements could not be delivered and wait with the reason. Readers find versions by polling.',
  },
} as const satisfies Readonly<Record<string, AlarmMeaning>>;

export type AlarmName = keyof typeof alarmMeanings;

/** Heading of the alarm's runbook: `mutations-wait`. */
export function runbookAnchor(name: AlarmName): string {
  return name.replaceAll(/(?<=.)([A-Z])/g, '-$1').toLowerCase();
}
