import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { beforeAll, describe, expect, it } from 'vitest';
import { headKey } from '../../lib/aws/head-item.ts';
import { inlineKey } from '../../lib/aws/inline-blobs.ts';
import { blobName, floorName } from '../../lib/blob/blob-names.ts';
import { allowedTo, resource, type Statement, templateOf, templateWith } from './template.ts';

let template: Template;
beforeAll(() => {
  template = templateOf();
});

const byService = (statements: readonly Statement[], service: string) =>
  statements.filter(({ actions }) => actions.some((action) => action.startsWith(`${service}:`)));

/** Partition keys of a partition's items, or the patterns of those of all (`*`). */
function keysOf(dataset: string, partition: string) {
  const id = { dataset, partition: 0 };
  const delta = {
    kind: 'delta',
    id,
    mapGeneration: 0,
    fromVersion: 1,
    toVersion: 2,
    cid: 'a'.repeat(32),
  } as const;
  const of = (key: Record<string, AttributeValue>) => `${key['pk']?.S?.replace(/0$/, partition)}`;
  return { head: of(headKey(id)), deltas: of(inlineKey(blobName(delta))) };
}

const actionsOf = (statements: readonly Statement[]) =>
  statements.flatMap(({ actions }) => actions).toSorted();

describe('the producer', () => {
  it('is allowed exactly what a commit needs', () => {
    expect(actionsOf(allowedTo(template, 'ProducerRole'))).toEqual([
      'dynamodb:GetItem',
      'dynamodb:UpdateItem',
      'events:PutEvents',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      's3:GetObject', // blobs
      's3:GetObject', // what senders left in the inbox
      's3:ListBucket',
      's3:PutObject',
      'sqs:ChangeMessageVisibility',
      'sqs:DeleteMessage',
      'sqs:GetQueueAttributes',
      'sqs:GetQueueUrl',
      'sqs:ReceiveMessage',
      'sqs:SendMessage',
      'xray:PutTelemetryRecords',
      'xray:PutTraceSegments',
    ]);
  });

  it('writes blobs of its own partition and no others', () => {
    const puts = allowedTo(template, 'ProducerRole').filter(({ actions }) =>
      actions.includes('s3:PutObject'),
    );
    const pattern = /"\/(d\/[^"]*)"/.exec(puts[0]?.resources ?? '')?.[1] ?? '';
    const allowed = new RegExp(`^${pattern.replaceAll('*', '.*')}$`);
    const nameOf = (dataset: string, partition: number) =>
      blobName({
        kind: 'snapshot',
        id: { dataset, partition },
        mapGeneration: 3,
        toVersion: 7,
        cid: 'a'.repeat(32),
      });
    expect(allowed.test(nameOf('cities', 0))).toBe(true);
    expect(allowed.test(nameOf('cities', 1))).toBe(false);
    expect(allowed.test(nameOf('citie', 0))).toBe(false);
  });

  it('touches the head of its own partition only, and reads its small deltas', () => {
    const statements = byService(allowedTo(template, 'ProducerRole'), 'dynamodb');
    const { head, deltas } = keysOf('cities', '0');
    for (const { actions, condition, resources } of statements) {
      const keys = actions.includes('dynamodb:GetItem') ? [head, deltas] : [head];
      expect(condition).toEqual({ 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': keys } });
      expect(resources).toContain('StorageHeads');
    }
    expect(statements.length).toBeGreaterThan(0);
  });

  it('sends to the quarantine and to the late queue only', () => {
    const sends = allowedTo(template, 'ProducerRole').filter(({ actions }) =>
      actions.includes('sqs:SendMessage'),
    );
    expect(sends).toHaveLength(1);
    expect(sends[0]?.resources.match(/Ingestion[A-Z][a-z]+/g)).toEqual([
      'IngestionLate',
      'IngestionQuarantine',
    ]);
  });
});

describe('the consumer', () => {
  it('reads and cannot change anything of the dataset', () => {
    const statements = allowedTo(template, 'ConsumerRole');
    expect(actionsOf(byService(statements, 'dynamodb'))).toEqual(['dynamodb:GetItem']);
    expect(actionsOf(byService(statements, 's3'))).toEqual(['s3:GetObject', 's3:ListBucket']);
    expect(byService(statements, 'events')).toEqual([]);
  });

  it('sends what Lambda could not deliver to it, and nothing else', () => {
    const sends = byService(allowedTo(template, 'ConsumerRole'), 'sqs');
    expect(sends.map(({ resources }) => resources.includes('Undelivered'))).toEqual([true]);
  });
});

describe('a dataset in two partitions', () => {
  const parts = templateWith(() => ({ partitions: 2, partitionKeys: ['Price(sku)'] }));
  const conditionsOf = (role: string) =>
    byService(allowedTo(parts, role), 'dynamodb').map(({ condition }) => JSON.stringify(condition));

  it('has a producer for each that touches its own head only', () => {
    for (const partition of [0, 1]) {
      const conditions = conditionsOf(`PricesIngestion${partition === 0 ? '' : partition}ProducerRole`);
      const { head, deltas } = keysOf('prices', String(partition));
      expect(new Set(conditions)).toEqual(
        new Set(
          [[head, deltas], [head]].map((keys) =>
            JSON.stringify({ 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': keys } }),
          ),
        ),
      );
    }
  });

  it('tells each producer how keys are spread', () => {
    const producers = Object.entries(parts.findResources('AWS::Lambda::Function')).filter(([id]) =>
      id.includes('ProducerFunction'),
    );
    const environments = producers.map(([, { Properties }]) => Properties.Environment.Variables);
    expect(environments).toMatchObject(
      ['0', '1'].map((HOLLOW_PARTITION) => ({ HOLLOW_PARTITION, HOLLOW_PARTITIONS: '2 Price(sku)' })),
    );
  });

  it('has a queue for each, read by its producer', () => {
    const mappings = Object.values(parts.findResources('AWS::Lambda::EventSourceMapping')).filter(
      ({ Properties }) => Properties.StartingPosition === undefined,
    );
    const pairs = mappings.map(({ Properties }) =>
      [Properties.EventSourceArn, Properties.FunctionName].map(
        (value) => /PricesIngestion(1?)/.exec(JSON.stringify(value))?.[1],
      ),
    );
    expect(pairs).toEqual([
      ['', ''],
      ['1', '1'],
    ]);
  });
});

describe('a dataset of a tenant', () => {
  const id = { tenant: 'acme', dataset: 'prices', partition: 0 };
  const ofTenant = templateWith(
    () => ({ dataset: 'acme/prices' }),
    (dataset) => {
      dataset.addConsumerFunction('Lookup');
      const assumedBy = new ServicePrincipal('lambda.amazonaws.com');
      dataset.grantSend(new Role(dataset, 'Importer', { assumedBy }));
    },
  );
  const statements = (role: string, service: string) => byService(allowedTo(ofTenant, role), service);

  it('gives every role the names and keys of that tenant only', () => {
    const foreign = (text: string) => /"\/(inbox\/)?d\/|[CB]##/.test(text);
    const own = (text: string) => /"\/(inbox\/)?t\/acme\/prices\/|[CB]#acme#prices#/.test(text);
    const roles = [
      'ProducerRole',
      'PurgerRole',
      'SnapshotterRole',
      'CleanerRole',
      'OutboxRole',
      'LookupRole',
      'Importer',
    ];
    for (const role of roles) {
      const places = [...statements(role, 's3'), ...statements(role, 'dynamodb')]
        .filter(({ actions }) => !actions.some((action) => /ListBucket|Stream|Shard/.test(action)))
        .map(({ resources, condition }) => resources + JSON.stringify(condition ?? {}));
      expect(places.length, role).toBeGreaterThan(0);
      expect(
        places.filter((place) => foreign(place) || !own(place)),
        role,
      ).toEqual([]);
    }
  });

  it('has the heads and blobs that these allow, under the names of the library', () => {
    const keys = JSON.stringify(statements('ProducerRole', 'dynamodb').map(({ condition }) => condition));
    expect(keys).toContain(JSON.stringify(headKey(id)['pk']?.S));
    const blob = blobName({ kind: 'snapshot', id, mapGeneration: 3, toVersion: 7, cid: 'a'.repeat(32) });
    const puts = statements('ProducerRole', 's3').filter(({ actions }) => actions.includes('s3:PutObject'));
    const pattern = /"\/(t\/[^"]*)"/.exec(puts[0]?.resources ?? '')?.[1] ?? '';
    expect(blob).toMatch(new RegExp(`^${pattern.replaceAll('*', '.*')}$`));
    expect(JSON.stringify(statements('CleanerRole', 's3'))).toContain(`/${floorName(id)}`);
  });

  it('tells readers of its own versions, and starts its functions with its name', () => {
    const rules = JSON.stringify(ofTenant.findResources('AWS::Events::Rule'));
    expect(rules).toContain('{"id":{"dataset":["prices"],"tenant":["acme"]}}');
    const variables = JSON.stringify(ofTenant.findResources('AWS::Lambda::Function'));
    expect(variables).toContain('"HOLLOW_DATASET":"acme/prices"');
    expect(variables).not.toContain('"HOLLOW_DATASET":"prices"');
  });
});

describe('a dataset with a key of its own', () => {
  const withKey = templateWith(
    (stack) => ({ encryptionKey: new Key(stack, 'Key') }),
    (dataset) => {
      dataset.addConsumerFunction('Lookup');
      dataset.addAnnouncementQueue('Hints');
    },
  );

  it('uses it for table, blobs and queues', () => {
    const key = { 'Fn::GetAtt': [expect.stringMatching(/^Key/), 'Arn'] };
    const queues = Object.values(withKey.findResources('AWS::SQS::Queue'));
    for (const { Properties } of queues) expect(Properties.KmsMasterKeyId).toEqual(key);
    expect(queues.length).toBeGreaterThan(3);
    expect(resource(withKey, 'AWS::DynamoDB::GlobalTable', 'Heads')['Properties']).toMatchObject({
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
    });
    expect(resource(withKey, 'AWS::S3::Bucket', 'Blobs')['Properties']).toMatchObject({
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { KMSMasterKeyID: key } },
        ],
      },
    });
  });

  it('lets producers write with it and readers only read', () => {
    const use = (role: string) => new Set(actionsOf(byService(allowedTo(withKey, role), 'kms')));
    expect(use('ProducerRole')).toEqual(new Set(['kms:Decrypt', 'kms:GenerateDataKey']));
    expect(use('LookupRole')).toContain('kms:Decrypt');
  });
});

describe('every role', () => {
  it('names its actions one by one', () => {
    const all = Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
      (policy) => policy['Properties'].PolicyDocument.Statement as { Action: string | string[] }[],
    );
    expect(all.flatMap(({ Action }) => Action).filter((action) => action.includes('*'))).toEqual([]);
  });

  it('has no managed policy, but for CodeDeploy, whose needs AWS knows', () => {
    const roles = Object.entries(template.findResources('AWS::IAM::Role'));
    const managed = roles.filter(([, role]) => role['Properties'].ManagedPolicyArns !== undefined);
    expect(managed.map(([id]) => id)).toEqual([expect.stringContaining('RolloutsRole')]);
    expect(JSON.stringify(managed)).toContain('service-role/AWSCodeDeployRoleForLambdaLimited');
  });

  it('never deletes, but for the cleaner, and that blobs of its partition only', () => {
    const deletes = (statements: readonly Statement[]) =>
      statements.filter(({ actions }) =>
        actions.some((action) => /Delete/.test(action) && action !== 'sqs:DeleteMessage'),
      );
    const cleaner = deletes(allowedTo(template, 'CleanerRole'));
    expect(deletes(allowedTo(template, ''))).toEqual(cleaner);
    expect(cleaner.map(({ actions }) => actions)).toEqual([['s3:DeleteObject']]);
    expect(cleaner[0]?.resources).toContain('/d/cities/*/0/*');
  });

  it('may use any resource for tracing only, which has none', () => {
    const open = allowedTo(template, '').filter(({ resources }) => resources === '"*"');
    expect(new Set(actionsOf(open))).toEqual(new Set(['xray:PutTelemetryRecords', 'xray:PutTraceSegments']));
  });
});

describe('housekeeping', () => {
  const onBucket = (role: string) =>
    byService(allowedTo(template, role), 's3').map(({ actions, resources }) => [
      actions.join(),
      /"\/([^"]+)"/.exec(resources)?.[1] ?? 'bucket',
    ]);

  it('lets the snapshotter add blobs of its partition', () => {
    expect(onBucket('SnapshotterRole')).toEqual(
      expect.arrayContaining([[expect.stringContaining('s3:PutObject'), 'd/cities/*/0/*']]),
    );
  });

  it('lets the cleaner write down its floor, under the name that it has in the library', () => {
    const name = floorName({ dataset: 'cities', partition: 0 });
    expect(onBucket('CleanerRole')).toEqual([
      ['s3:DeleteObject', 'd/cities/*/0/*'],
      ['s3:GetObject,s3:PutObject', name],
      ['s3:ListBucket', 'bucket'],
    ]);
  });

  it('lets the outbox read heads and their changes, and announce', () => {
    const actions = actionsOf(allowedTo(template, 'OutboxRole')).filter(
      (action) => !/^(logs|xray)/.test(action),
    );
    expect(actions).toEqual([
      'dynamodb:DescribeStream',
      'dynamodb:GetItem',
      'dynamodb:GetRecords',
      'dynamodb:GetShardIterator',
      'dynamodb:ListStreams',
      'events:PutEvents',
      'sqs:GetQueueAttributes',
      'sqs:GetQueueUrl',
      'sqs:SendMessage',
    ]);
  });
});

describe('a sender', () => {
  it('may send, and leave what is too large for the queue', () => {
    const withSender = templateWith(
      () => ({}),
      (dataset, stack) => {
        dataset.grantSend(
          new Role(stack, 'Import', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') }),
        );
      },
    );
    const statements = allowedTo(withSender, 'Import');
    expect(actionsOf(statements)).toEqual([
      's3:PutObject',
      'sqs:GetQueueAttributes',
      'sqs:GetQueueUrl',
      'sqs:SendMessage',
    ]);
    expect(byService(statements, 's3')[0]?.resources).toContain('/inbox/d/prices/*');
  });
});

describe('with small deltas in the table', () => {
  const inline = templateWith(() => ({ inlineDeltas: true }));
  const { head, deltas } = keysOf('prices', '0');
  const all = keysOf('prices', '*');
  const kinds = new Map([
    [head, 'head'],
    [deltas, 'delta'],
    [all.head, 'head'],
    [all.deltas, 'delta'],
  ]);

  /** The outbox hears of commits by the table's stream. */
  const ofStreams = /(Stream|Streams|GetRecords|GetShardIterator)$/;

  /** What a role may do with items, as `delta PutItem`. */
  const itemActions = (role: string) =>
    byService(allowedTo(inline, role), 'dynamodb').flatMap(({ actions, condition = {} }) => {
      const [operator = ''] = Object.keys(condition);
      const keys = [condition[operator]?.['dynamodb:LeadingKeys']].flat().map(String);
      return keys.flatMap((key) =>
        actions.map((action) => `${kinds.get(key) ?? key} ${action.replace('dynamodb:', '')}`),
      );
    });

  it.each([
    ['IngestionProducerRole', ['delta GetItem', 'delta PutItem', 'head GetItem', 'head UpdateItem']],
    ['SnapshotterRole', ['delta GetItem', 'delta PutItem', 'head GetItem', 'head UpdateItem']],
    ['CleanerRole', ['delta DeleteItem', 'delta Query', 'head GetItem', 'head UpdateItem']],
    ['OutboxRole', ['delta GetItem', 'head GetItem']],
  ])('%s has what it needs of the items', (role, actions) => {
    const found = itemActions(role).filter((action) => !ofStreams.test(action));
    expect(found.toSorted()).toEqual(actions);
  });

  it('the outbox copies them to the bucket', () => {
    expect(actionsOf(byService(allowedTo(inline, 'OutboxRole'), 's3'))).toEqual([
      's3:GetObject',
      's3:ListBucket',
      's3:PutObject',
    ]);
  });

  it('whoever writes, copies or deletes them is told so', () => {
    const functions = Object.entries(inline.findResources('AWS::Lambda::Function'));
    const told = functions.filter(
      ([, { Properties }]) => Properties.Environment?.Variables?.HOLLOW_INLINE_DELTAS === 'on',
    );
    const names = told.map(([name]) => /(Producer|Purger|Cleaner|Outbox)/.exec(name)?.[1] ?? name);
    expect(new Set(names)).toEqual(new Set(['Cleaner', 'Outbox', 'Producer', 'Purger']));
  });
});
