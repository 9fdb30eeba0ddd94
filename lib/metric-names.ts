/**
 * Every metric that the library emits, with its CloudWatch unit. The emitting code, the dashboards and the alarms all
 * take the names from here, so they cannot drift apart.
 */
export const metricNamespace = 'ServerlessHollow';

export const metrics = {
  // producer
  MessagesReceived: 'Count',
  MutationsReceived: 'Count',
  MutationsApplied: 'Count',
  MutationsSuperseded: 'Count',
  MutationsQuarantined: 'Count',
  MutationsLate: 'Count',
  BookkeepingPurged: 'Count',
  ClaimsOpened: 'Count',
  VersionsRefused: 'Count',
  BreakersOpened: 'Count',
  MessagesFailed: 'Count',
  Commits: 'Count',
  CommitConflicts: 'Count',
  CommitsUnknown: 'Count',
  AnnouncementsFailed: 'Count',
  SnapshotsWritten: 'Count',
  CycleDurationMs: 'Milliseconds',
  QueueToCommitMs: 'Milliseconds',
  DeltaBytes: 'Bytes',
  SnapshotBytes: 'Bytes',
  ChainLength: 'Count',
  SettingsRefused: 'Count',
  // sender
  MutationsSent: 'Count',
  MessagesSent: 'Count',
  SendsRepeated: 'Count',
  MutationsUnsent: 'Count',
  MutationsShed: 'Count',
  SendDurationMs: 'Milliseconds',
  // housekeeping
  BlobsDeleted: 'Count',
  OutboxAnnouncements: 'Count',
  // consumer
  RefreshDurationMs: 'Milliseconds',
  RefreshesFailed: 'Count',
  DeltasApplied: 'Count',
  SnapshotsLoaded: 'Count',
  PropagationLagMs: 'Milliseconds',
  StateVersion: 'Count',
  Lookups: 'Count',
  HeadAgeMs: 'Milliseconds',
  // both
  RecordCount: 'Count',
  MemoryUsedPercent: 'Percent',
} as const;

export type MetricName = keyof typeof metrics;
