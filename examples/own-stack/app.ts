/** A stack of your own with a dataset, a function that writes to it and one that reads it: `npx cdk synth`. */
import { App, Stack } from 'aws-cdk-lib';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { HollowDataset } from 'serverless-hollow/infra';

const app = new App();
const stack = new Stack(app, 'Shop', { env: { region: 'eu-west-1' } });

const prices = new HollowDataset(stack, 'Prices', {
  dataset: 'prices',
  schema: 'Price @PrimaryKey(sku) { long sku; int cents; }',
});

const importer = new LambdaFunction(stack, 'Importer', {
  runtime: Runtime.NODEJS_24_X,
  handler: 'index.handler',
  code: Code.fromInline('exports.handler = async () => "sends mutations to the queues";'),
  environment: { QUEUES: prices.mutationQueues.map(({ queueUrl }) => queueUrl).join() },
});
prices.grantSend(importer);

prices.addConsumerFunction('Lookup', { memorySizeMb: 512 });
