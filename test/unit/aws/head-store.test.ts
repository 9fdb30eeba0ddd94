import { expect, test } from 'vitest';
import { dynamoDbClient } from '../../../lib/aws/clients.ts';
import {
  commitAttributes,
  decodeHeadItem,
  headAttributes,
  type Item,
  pinAttribute,
} from '../../../lib/aws/head-item.ts';
import { AwsHeadStore } from '../../../lib/aws/head-store.ts';
import { firstHead } from '../../../lib/head-rules.ts';
import type { Head } from '../../../lib/ports.ts';
import { firstProposal, nextProposal, pinOf } from '../../support/heads.ts';
import {
  json,
  jsonError,
  type Script,
  type ScriptedServer,
  startScriptedServer,
} from '../../support/scripted-server.ts';

const id = { tenant: 'acme', dataset: 'cities', partition: 3 };
const proposal = firstProposal();
const head = firstHead(proposal);
const item = headAttributes(head);

async function storeOn(script: Script): Promise<{ store: AwsHeadStore; server: ScriptedServer }> {
  const server = await startScriptedServer(script);
  const client = dynamoDbClient(server.clientOptions);
  return { store: new AwsHeadStore({ client, table: 'heads' }), server };
}

/** An item as DynamoDB's JSON has it. */
const wire = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(wire);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, wire(field)]));
};

test.each([
  ['AccessDeniedException', 400, 'denied', 1],
  ['UnrecognizedClientException', 400, 'denied', 1],
  ['ResourceNotFoundException', 400, 'invalid', 1],
  ['ValidationException', 400, 'invalid', 1],
  ['TransactionConflictException', 400, 'unavailable', 1],
  ['ProvisionedThroughputExceededException', 400, 'unavailable', 3],
  ['ThrottlingException', 400, 'unavailable', 3],
  ['InternalServerError', 500, 'unavailable', 3],
])('%s (%i) is %s after %i attempts', async (code, status, kind, attempts) => {
  const { store, server } = await storeOn(() => jsonError(code, status));
  await expect(store.load(id, 'strong')).rejects.toMatchObject({ name: 'DatasetError', kind });
  await expect(store.commit(id, proposal)).rejects.toMatchObject({ name: 'DatasetError', kind });
  expect(server.requests).toHaveLength(attempts * 2);
});

test('silence ends as unavailable: the outcome is not known', async () => {
  const { store, server } = await storeOn(() => 'silence');
  await expect(store.commit(id, proposal)).rejects.toMatchObject({ kind: 'unavailable' });
  expect(server.requests).toHaveLength(3);
});

test('a lost answer that the SDK repeats comes out as a conflict that shows the own commit', async () => {
  const next = nextProposal(head);
  const committed = { ...item, ...commitAttributes(next) };
  const { store } = await storeOn((_, index) =>
    index === 0 ? 'cut' : jsonError('ConditionalCheckFailedException', 400, { Item: wire(committed) }),
  );
  const outcome = await store.commit(id, next);
  expect(outcome).toMatchObject({ kind: 'conflict', head: { version: 2, cid: next.cid } });
});

test('the key, the condition and the consistency are as the protocol says', async () => {
  const { store, server } = await storeOn(() => json({ Attributes: wire(item), Item: wire(item) }));
  await store.load(id, 'strong');
  await store.load({ dataset: 'cities', partition: 0 }, 'eventual');
  await store.commit(id, nextProposal(head));
  const [strong, eventual, commit] = server.requests.map((request) => JSON.parse(request.body));
  expect(strong).toMatchObject({
    Key: { pk: { S: 'C#acme#cities#3' }, sk: { S: 'HEAD' } },
    ConsistentRead: true,
  });
  expect(eventual).toMatchObject({
    Key: { pk: { S: 'C##cities#0' }, sk: { S: 'HEAD' } },
    ConsistentRead: false,
  });
  expect(commit.ConditionExpression).toBe(
    '#era = :era AND #v = :expectedV AND #cid = :expectedCid AND #mapGen = :mapGen AND #status = :open AND #format = :format',
  );
  const written = [...commit.UpdateExpression.matchAll(/#(\w+) =/g)].map(([, name]) => name);
  expect(written).toEqual(['v', 'cid', 'hash', 'bookHash', 'recent', 'schemaId', 'lastOp']);
});

test('a sealed head is read as such', () => {
  expect(decodeHeadItem({ ...item, status: { S: 'sealed' } })).toEqual({ ...head, status: 'sealed' });
});

test('a later format is incompatible, whatever else is in it', async () => {
  const later = wire({ format: { N: '3' }, somethingNew: { S: 'x' } });
  const { store } = await storeOn(({ headers }) =>
    String(headers['x-amz-target']).endsWith('GetItem')
      ? json({ Item: later })
      : jsonError('ConditionalCheckFailedException', 400, { Item: later }),
  );
  await expect(store.load(id, 'strong')).rejects.toMatchObject({ kind: 'incompatible' });
  await expect(store.commit(id, nextProposal(head))).rejects.toMatchObject({ kind: 'incompatible' });
});

const recentBytes = item['recent']?.B ?? new Uint8Array();
const damages: [string, Item][] = [
  ['no era', without('era')],
  ['a version that is no number', { ...item, v: { S: '1' } }],
  ['a fraction', { ...item, era: { N: '1.5' } }],
  ['an unknown status', { ...item, status: { S: 'ajar' } }],
  ['a short hash', { ...item, hash: { B: new Uint8Array(15) } }],
  ['no ring', without('recent')],
  ['a cut ring', { ...item, recent: { B: recentBytes.subarray(0, 40) } }],
  [
    'a changed ring',
    { ...item, recent: { B: recentBytes.map((byte, at) => (at === 20 ? byte ^ 1 : byte)) } },
  ],
  ['a ring of another version', { ...item, v: { N: '2' } }],
  ['no snapshot', { ...item, snapshots: { L: [] } }],
  [
    'a snapshot above the version',
    { ...item, snapshots: { L: [{ M: { ...snapshotFields(), v: { N: '9' } } }] } },
  ],
  ['a floor above the snapshots', { ...item, floor: { N: '2' } }],
  ['nothing at all', { format: { N: '2' } }],
  ['no pins', without('pins')],
  [
    'a pin that leads elsewhere',
    { ...item, pins: { M: { release: { M: { ...pinFields(), v: { N: '9' } } } } } },
  ],
  ['a pin of another name', { ...item, pins: { M: { 'a/b': { M: pinFields() } } } }],
  ['a served pin that is not there', { ...item, servePin: { S: 'release' } }],
  ['an unknown last operation', { ...item, lastOp: { S: 'x' } }],
];

test.each(damages)('a head with %s is corrupt', (_, damaged) => {
  expect(() => decodeHeadItem(damaged)).toThrow(expect.objectContaining({ kind: 'corrupt' }));
});

test('a head that is whole comes back', () => {
  const expected: Head = head;
  expect(decodeHeadItem(item)).toEqual(expected);
});

function without(name: string): Item {
  const { [name]: _, ...rest } = item;
  return rest;
}

function pinFields(): Item {
  return pinAttribute(pinOf(head)).M ?? {};
}

function snapshotFields(): Item {
  return item['snapshots']?.L?.[0]?.M ?? {};
}
