/** Tables in DynamoDB and buckets in S3. What an earlier run left in the data directory is taken over if it fits. */
import {
  CreateTableCommand,
  DescribeTableCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import {
  arnOf,
  type CreatedResource,
  type ResourceHandler,
  type Surroundings,
  textAt,
  valueAt,
} from './resource.ts';

type TableInput = ConstructorParameters<typeof CreateTableCommand>[0];

export const globalTable: ResourceHandler = {
  properties: ['TableName', 'KeySchema', 'AttributeDefinitions', 'BillingMode', 'StreamSpecification'],
  async create({ logicalId, properties }, { dynamodb }) {
    const TableName = textAt(properties, 'TableName') ?? logicalId;
    const stream = textAt(properties, 'StreamSpecification', 'StreamViewType');
    if (textAt(properties, 'BillingMode') !== 'PAY_PER_REQUEST')
      throw new TypeError('BillingMode must be on demand');
    const input = {
      TableName,
      KeySchema: valueAt(properties, 'KeySchema'),
      AttributeDefinitions: valueAt(properties, 'AttributeDefinitions'),
      BillingMode: 'PAY_PER_REQUEST',
      ...(stream === undefined
        ? {}
        : { StreamSpecification: { StreamEnabled: true, StreamViewType: stream } }),
    } as TableInput; // its parts are as CloudFormation has them, and the service checks them
    const streamArn = await createTable(dynamodb, input);
    return {
      ref: TableName,
      attributes: { Arn: arnOf('dynamodb', `table/${TableName}`), StreamArn: streamArn },
    };
  },
};

async function createTable(dynamodb: Surroundings['dynamodb'], input: TableInput): Promise<string> {
  const { TableName } = input;
  try {
    const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName }));
    if (JSON.stringify(Table?.KeySchema) !== JSON.stringify(input.KeySchema)) {
      throw new Error(
        `the data directory has a table ${TableName} with other keys; choose another directory`,
      );
    }
    return Table?.LatestStreamArn ?? '';
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    const { TableDescription } = await dynamodb.send(new CreateTableCommand(input));
    return TableDescription?.LatestStreamArn ?? '';
  }
}

export const bucket: ResourceHandler = {
  properties: ['BucketName', 'VersioningConfiguration'],
  async create({ logicalId, properties }, { s3 }): Promise<CreatedResource> {
    const Bucket = textAt(properties, 'BucketName') ?? logicalId.toLowerCase().slice(0, 63);
    await s3.send(new CreateBucketCommand({ Bucket }));
    const Status = textAt(properties, 'VersioningConfiguration', 'Status');
    if (Status === 'Enabled' || Status === 'Suspended') {
      await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
    }
    return { ref: Bucket, attributes: { Arn: `arn:aws:s3:::${Bucket}` } };
  },
};
