import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  checkFloorRaise,
  checkPin,
  checkPinName,
  checkProposal,
  checkReplacement,
  checkServe,
  checkSnapshot,
} from '../head-checks.ts';
import { firstHead, newestSnapshot } from '../head-rules.ts';
import { fromHex } from '../hex.ts';
import { limits } from '../limits.ts';
import {
  type CommitOutcome,
  type CommitProposal,
  type DatasetId,
  type FloorRaise,
  type Head,
  type HeadStore,
  headFormat,
  type Pin,
  type Serve,
  type SnapshotEntry,
  type VersionRef,
} from '../ports.ts';
import { awsError } from './errors.ts';
import {
  commitAttributes,
  decodeHeadItem,
  headAttributes,
  headKey,
  type Item,
  number,
  pinAttribute,
  serveAttributes,
  snapshotAttribute,
} from './head-item.ts';

export interface AwsHeadStoreOptions {
  readonly client: DynamoDBClient;
  /** Table with the string keys `pk` and `sk`. */
  readonly table: string;
}

/** One conditional UpdateItem. `:name` in the expressions stands for `values[name]`, `#name` for the attribute. */
interface ConditionalUpdate {
  readonly update: string;
  readonly condition: string;
  readonly values: Item;
  /** What `#pin` stands for, where a pin is written. */
  readonly pinName?: string;
}

/**
 * A head is one item, and every write to it one conditional UpdateItem: atomic without a transaction. A condition that
 * fails answers with the item as it is, which saves the read. The SDK may repeat a write whose answer got lost, so a
 * conflict can be the caller's own success.
 */
export class AwsHeadStore implements HeadStore {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(options: AwsHeadStoreOptions) {
    this.#client = options.client;
    this.#table = options.table;
  }

  async load(id: DatasetId, consistency: 'strong' | 'eventual'): Promise<Head | null> {
    const command = new GetItemCommand({
      TableName: this.#table,
      Key: headKey(id),
      ConsistentRead: consistency === 'strong',
    });
    const result = await this.#client.send(command).catch((error: unknown) => {
      throw awsError(error, 'load head');
    });
    return result.Item === undefined ? null : decodeHeadItem(result.Item);
  }

  async commit(id: DatasetId, proposal: CommitProposal): Promise<CommitOutcome> {
    checkProposal(proposal);
    const { expected } = proposal;
    return this.#write(id, expected === null ? creation(proposal) : advance(proposal, expected));
  }

  async registerSnapshot(id: DatasetId, era: number, snapshot: SnapshotEntry): Promise<CommitOutcome> {
    checkSnapshot(snapshot);
    return this.#write(id, registration(era, snapshot));
  }

  async raiseFloor(id: DatasetId, raise: FloorRaise): Promise<CommitOutcome> {
    checkFloorRaise(raise);
    return this.#write(id, floorRaise(raise));
  }

  async putPin(id: DatasetId, era: number, name: string, pin: Pin): Promise<CommitOutcome> {
    checkPin(name, pin);
    return this.#write(id, pinning(era, name, pin));
  }

  async removePin(id: DatasetId, era: number, name: string): Promise<CommitOutcome> {
    checkPinName(name);
    return this.#write(id, unpinning(era, name));
  }

  async setServe(id: DatasetId, era: number, serve: Serve): Promise<CommitOutcome> {
    checkServe(serve);
    return this.#write(id, serving(era, serve));
  }

  async replace(id: DatasetId, expected: Head | null, head: Head): Promise<CommitOutcome> {
    checkReplacement(expected, head);
    return this.#write(id, replacement(expected, head));
  }

  async #write(
    id: DatasetId,
    { update, condition, values, pinName = '' }: ConditionalUpdate,
  ): Promise<CommitOutcome> {
    const command = new UpdateItemCommand({
      TableName: this.#table,
      Key: headKey(id),
      UpdateExpression: update,
      ConditionExpression: condition,
      ExpressionAttributeNames: namesIn(`${update} ${condition}`, pinName),
      ExpressionAttributeValues: Object.fromEntries(
        Object.entries(values).map(([name, value]) => [`:${name}`, value]),
      ),
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    try {
      const result = await this.#client.send(command);
      return { kind: 'committed', head: decodeHeadItem(result.Attributes ?? {}) };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw awsError(error, 'write head');
      const isThere = error.Item !== undefined && Object.keys(error.Item).length > 0;
      return { kind: 'conflict', head: isThere ? decodeHeadItem(error.Item ?? {}) : null };
    }
  }
}

function creation(proposal: CommitProposal): ConditionalUpdate {
  const values = headAttributes(firstHead(proposal));
  return { update: assignments(values), condition: 'attribute_not_exists(#pk)', values };
}

function advance(proposal: CommitProposal, expected: VersionRef): ConditionalUpdate {
  const { snapshot } = proposal;
  const written = commitAttributes(proposal);
  const own = snapshot === undefined ? {} : { snapV: number(snapshot.version), ...addedSnapshot(snapshot) };
  return {
    update: snapshot === undefined ? assignments(written) : `${assignments(written)}, ${registered}`,
    condition:
      '#era = :era AND #v = :expectedV AND #cid = :expectedCid AND #mapGen = :mapGen AND #status = :open AND #format = :format',
    values: {
      ...written,
      ...own,
      ...ofEra(expected.era),
      expectedV: number(expected.version),
      expectedCid: { S: expected.cid },
      mapGen: number(proposal.mapGeneration),
      open: { S: 'open' },
    },
  };
}

const registered = '#snapshots = list_append(#snapshots, :added), #snapV = :snapV';

function addedSnapshot(snapshot: SnapshotEntry): Item {
  return { added: { L: [snapshotAttribute(snapshot)] } };
}

function registration(era: number, snapshot: SnapshotEntry): ConditionalUpdate {
  return {
    update: `SET ${registered}, #lastOp = :lastOp`,
    condition: '#era = :era AND #snapV < :snapV AND #format = :format',
    values: {
      ...addedSnapshot(snapshot),
      snapV: number(snapshot.version),
      lastOp: { S: 'snapshot' },
      ...ofEra(era),
    },
  };
}

function floorRaise({ era, floor, snapshots, pinRevision }: FloorRaise): ConditionalUpdate {
  const written = {
    floor: number(floor),
    snapshots: { L: snapshots.map(snapshotAttribute) },
    lastOp: { S: 'floor' },
  };
  return {
    update: assignments(written),
    condition:
      '#era = :era AND #floor < :floor AND #snapV = :snapV AND #pinRev = :pinRev AND #format = :format',
    values: {
      ...written,
      snapV: number(snapshots.at(-1)?.version ?? 0),
      pinRev: number(pinRevision),
      ...ofEra(era),
    },
  };
}

function pinning(era: number, name: string, pin: Pin): ConditionalUpdate {
  const held = { pinV: number(pin.version), pinCid: { B: fromHex(pin.cid) } };
  return {
    update: 'SET #pins.#pin = :pin, #pinRev = #pinRev + :one, #lastOp = :lastOp',
    condition:
      '#era = :era AND #floor <= :snapV AND #format = :format AND ' +
      '((attribute_not_exists(#pins.#pin) AND size(#pins) < :pinsMax) OR ' +
      '(#pins.#pin.#v = :pinV AND #pins.#pin.#cid = :pinCid))',
    values: {
      pin: pinAttribute(pin),
      ...held,
      snapV: number(pin.snapshot.version),
      pinsMax: number(limits.pinsMax),
      ...pinChange(era),
    },
    pinName: name,
  };
}

function unpinning(era: number, name: string): ConditionalUpdate {
  return {
    update: 'REMOVE #pins.#pin SET #pinRev = #pinRev + :one, #lastOp = :lastOp',
    condition: '#era = :era AND attribute_exists(#pins.#pin) AND #servePin <> :name AND #format = :format',
    values: { name: { S: name }, ...pinChange(era) },
    pinName: name,
  };
}

function pinChange(era: number): Item {
  return { one: number(1), lastOp: { S: 'pin' }, ...ofEra(era) };
}

function serving(era: number, serve: Serve): ConditionalUpdate {
  const written = { ...serveAttributes(serve), lastOp: { S: 'serve' } };
  const follows = '#era = :era AND #serveEpoch = :epochBefore AND #format = :format';
  return {
    update: assignments(written),
    condition: serve.pin === null ? follows : `${follows} AND attribute_exists(#pins.#pin)`,
    values: { ...written, epochBefore: number(serve.epoch - 1), ...ofEra(era) },
    pinName: serve.pin ?? '',
  };
}

function replacement(expected: Head | null, head: Head): ConditionalUpdate {
  const written = headAttributes(head);
  if (expected === null) {
    return { update: assignments(written), condition: 'attribute_not_exists(#pk)', values: written };
  }
  const before: Item = {
    era: number(expected.era),
    v: number(expected.version),
    cid: { S: expected.cid },
    status: { S: expected.status },
    snapV: number(newestSnapshot(expected).version),
    floor: number(expected.floor),
    pinRev: number(expected.pinRevision),
    serveEpoch: number(expected.serve.epoch),
    format: number(headFormat),
  };
  return {
    update: assignments(written),
    condition: Object.keys(before)
      .map((name) => `#${name} = :${name}Before`)
      .join(' AND '),
    values: {
      ...written,
      ...Object.fromEntries(Object.entries(before).map(([name, value]) => [`${name}Before`, value])),
    },
  };
}

/** Every condition names the era, so that nothing which was planned before a restore applies after it. */
function ofEra(era: number): Item {
  return { era: number(era), format: number(headFormat) };
}

function assignments(values: Item): string {
  return `SET ${Object.keys(values)
    .map((name) => `#${name} = :${name}`)
    .join(', ')}`;
}

/** Every attribute by a placeholder: several of their names are reserved words. */
function namesIn(expressions: string, pinName: string): Record<string, string> {
  const placeholders = expressions.match(/#\w+/g) ?? [];
  return Object.fromEntries(
    placeholders.map((placeholder) => [placeholder, placeholder === '#pin' ? pinName : placeholder.slice(1)]),
  );
}
