/** Hard bounds, in one place. AWS's own carry their source; ours are chosen and say why. */
export const limits = {
  /** One SQS message, and one batch request of them, in bytes. SQS API reference, SendMessageBatch. */
  messageSizeMax: 1_048_576,
  /** Entries of one SQS or EventBridge batch request. */
  batchEntriesMax: 10,
  /** One entry of EventBridge PutEvents, in bytes. */
  eventSizeMax: 262_144,
  /** Environment variables of one Lambda function, names and values together, in bytes. Lambda quotas. */
  environmentSizeMax: 4_096,
  /** Mutations in one message: bounds the work that one poisoned message can cause. */
  mutationsPerMessageMax: 10_000,
  /** Partitions of a dataset: each has a queue, a chain and a producer of its own. */
  partitionsMax: 1_000,
  /** Bytes of an object in the inbox, of the message that it holds, and of all such messages of one batch. */
  claimSizeMax: 16_777_216,
  claimContentSizeMax: 33_554_432,
  claimsPerBatchSizeMax: 67_108_864,
  /** UTF-16 code units of a message that names such an object. */
  claimBodySizeMax: 4_096,
  /** Nesting of a message's JSON: deeper ones are refused before they can hurt. */
  jsonDepthMax: 64,
  /** A stamp from the future would win for ever; senders' clocks may be off by this much. */
  clockSkewMsMax: 300_000,
  /** UTF-16 code units of the source in an order stamp: every key that it wrote last keeps it. */
  orderSourceSizeMax: 128,
  /** UTF-16 code units of an operation's id. */
  opIdSizeMax: 256,
  /**
   * How long deletions and operations are remembered at least: as long as SQS keeps a message (14 days), and as long
   * again for what is sent once more from a dead-letter queue.
   */
  purgeHorizonMs: 28 * 86_400_000,
  /** Bookkeeping records that one version forgets, and versions that one call makes for it. */
  purgeRecordsMax: 10_000,
  purgeVersionsMax: 20,
  /** Sources whose progress is kept, and gaps in the numbers of one of them. */
  progressSourcesMax: 256,
  progressGapsMax: 1_024,
  /** Pause between two looks of a reader that waits for a message, at first and at most. */
  visiblePauseMsMin: 20,
  visiblePauseMsMax: 1_000,
  /** UTF-16 code units of one string value. */
  stringSizeMax: 262_144,
  quarantineContentSizeMax: 65_536,
  correlationIdsMax: 20,
  /** UTF-16 code units of one: twenty of them must fit into an event beside everything else. */
  correlationIdSizeMax: 128,
  /** Entries of the head's ring that are kept even below the newest snapshot, for readers that lag a little. */
  recentEntriesMin: 32,
  /** Deltas since the newest snapshot after which one is written inline. */
  chainLengthForSnapshot: 64,
  /** Deltas since the newest snapshot after which no commit happens before a snapshot has succeeded. */
  chainLengthMax: 512,
  /** Pins of one head, and deltas in the read plan of one: 8 of 128 keep the head below a tenth of DynamoDB's 400 KB item. */
  pinsMax: 8,
  pinDeltasMax: 128,
  /**
   * Rounds of the commit loop before the batch goes back to the queue, where it waits for the visibility timeout: so many
   * that a rival which commits all the time does not starve one (it wins two rounds of three), the deadline comes first.
   */
  commitAttemptsMax: 32,
  /** No round of the commit loop starts with less time left than this. */
  commitRoundMsMin: 2_000,
  /** Uniform pause after a lost race: as much as it takes for two rivals not to collide in step. */
  conflictPauseMsMax: 10,
  /** Full-jitter backoff between rounds of the commit loop that failed. */
  commitBackoffBaseMs: 10,
  commitBackoffCapMs: 400,
  /** Failures in a row after which a dependency is spared, and the pause before a probe, which doubles. */
  breakerFailuresMax: 8,
  breakerPauseMsMin: 200,
  breakerPauseMsMax: 5_000,
  /** Rounds of the commit loop that may be repeated after failures, over all batches of a process; a commit brings back a tenth of one. */
  commitRetriesMax: 100,
  commitsPerRetry: 10,
  /** Messages and time for one batch of a long-lived producer, and how long it waits for the first message. */
  runBatchMsMax: 30_000,
  runWaitMs: 20_000,
  /** Attempts to send one batch of messages before its mutations are given back to the application. */
  sendAttemptsMax: 8,
  /** Full-jitter backoff between them. */
  sendBackoffBaseMs: 50,
  sendBackoffCapMs: 5_000,
  /** Repeated requests that a sender has in hand, and how many requests that succeed earn one more. */
  sendRetriesMax: 50,
  sendsPerRetry: 5,
  /** How long a sender waits for more to pack into a message: little beside the way through the queue. */
  sendLingerMs: 5,
  /** Bytes of mutations that a sender holds for one partition before callers wait. */
  sendBufferSizeMax: 8_388_608,
  /** Shares of the buffer from which on mutations of low priority are refused, and those of normal priority wait. */
  sendBufferShareLow: 0.5,
  sendBufferShareNormal: 0.9,
  /** Attempts of one refresh (each reads the head afresh; the later ones force a snapshot). */
  refreshAttemptsMax: 3,
  /** Blobs that one refresh fetches at once. */
  fetchConcurrencyMax: 8,
  /** Bounds of the adaptive poll that repairs lost announcements. Its slowest is well below what counts as inactivity. */
  pollMsMin: 1_000,
  pollMsMax: 20_000,
  /** Slowest poll of a task that shares its queue of hints with others: most of them do not hear any. */
  pollSecondsOfTasks: 2,
  /** Bytes of a delta, parts included, up to which it may be an item of the heads' table: there its price reaches that of an object. */
  inlineDeltaSizeMax: 8_192,
  /** Names in one page of a list of blobs (S3's own bound), and blobs that are deleted at once. */
  shelfPageMax: 1_000,
  deleteConcurrencyMax: 8,
  /** How old settings that change at run time may be before a program looks again, ms. */
  settingsAgeMsMax: 30_000,
  /** Full-jitter backoff after a failed refresh, up to {@link limits.pollMsMax}. */
  refreshBackoffBaseMs: 100,
} as const;
