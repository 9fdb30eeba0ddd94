export interface KnownDifference {
  /** What moto does and what AWS does, and where the latter is written. */
  readonly reason: string;
  /** True: it depends on the order in which moto's threads run, so the case passes at times. */
  readonly isRace: boolean;
}

const notAtomic: KnownDifference = {
  reason:
    'moto looks at the condition of an UpdateItem and writes in two steps, on a thread for each request, so two requests ' +
    'at once may both pass, and one may see half of what the other writes. DynamoDB serializes the writes to an item (developer guide, "Condition expressions").',
  isRace: true,
};

/**
 * Cases in which moto is not as AWS, by full name. One more difference is levelled in adapters.test.ts: moto keeps the
 * digest of a PutObject only if the name of its algorithm is sent, too.
 */
export const knownDifferences: ReadonlyMap<string, KnownDifference> = new Map([
  ['HeadStore contract on moto > first version > of many creations at once exactly one wins', notAtomic],
  [
    'HeadStore contract on moto > commit > of many commits on one version exactly one wins, and each conflict carries the fresh head',
    notAtomic,
  ],
  ['HeadStore contract on moto > snapshots > of many registrations at once exactly one wins', notAtomic],
  [
    'HeadStore contract on moto > snapshots > a snapshot and commits at the same time do not lose each other',
    notAtomic,
  ],
]);
