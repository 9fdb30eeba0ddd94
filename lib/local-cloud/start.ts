/**
 * What `npm start` runs: the deployed architecture on this machine, with the bundles and the template that would go to
 * AWS, and a job through all of it: 135,233 cities from the queue to a consumer's memory.
 */
import { once } from 'node:events';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { sqsClient } from '../aws/clients.ts';
import { AwsMutationSink } from '../aws/mutation-sink.ts';
import { isDatasetError } from '../errors.ts';
import { synthesize } from './assembly.ts';
import { type LocalCloud, startLocalCloud } from './cloud.ts';
import { loadCities } from './demo/cities.ts';
import { type ConsumerProcess, startConsumer } from './demo/consumer-process.ts';
import { observe } from './demo/observe.ts';
import { line, milliseconds, table } from './demo/print.ts';
import { changeOnePercent, type Demo, loadAll, makeLiveChanges } from './demo/rounds.ts';
import { printSummary } from './demo/summary.ts';
import { clientConfig } from './environment.ts';

interface Options {
  readonly once: boolean;
  readonly data?: string;
  readonly port: number;
  readonly verbose: boolean;
}

const stackName = 'serverless-hollow-dev';
const dataset = 'cities';

/** Things to stop, in the order in which they were started. */
type Stops = (() => Promise<void> | void)[];

async function run(options: Options, stops: Stops): Promise<void> {
  line('Synthesizing the template');
  const assembly = await synthesize(stackName);
  const startMs = performance.now();
  const cloud = await startLocalCloud({
    ...assembly,
    ...(options.data === undefined ? {} : { dataDirectory: resolve(options.data) }),
    onLog: (source, text) => printLog(options.verbose, source, text),
  });
  stops.push(() => cloud.stop());
  const consumer = await startConsumer(cloud, dataset, options.port);
  stops.push(() => consumer.stop());
  line(`Services, functions and consumer are up after ${milliseconds(performance.now() - startMs)}`);
  const client = sqsClient(clientConfig(cloud.endpoints.sqs));
  const sink = new AwsMutationSink({ client, queueUrl: cloud.outputs['MutationQueueUrl'] ?? '' });
  const observer = observe(cloud, { dataset, partition: 0 });
  stops.push(() => {
    observer.close();
    client.destroy();
  });
  await show({ sink, consumer, observer }, cloud);
  if (!options.once) {
    printAddresses(cloud, consumer);
    await new Promise<never>(() => {}); // a signal ends it
  }
}

async function show(demo: Demo, cloud: LocalCloud): Promise<void> {
  const cities = loadCities();
  const load = await loadAll(cities, demo);
  await printSummary(cloud, demo, load);
  await changeOnePercent(cities, demo);
  await makeLiveChanges(cities, demo);
}

/** Functions log JSON; what is not a warning is shown on demand. */
function printLog(verbose: boolean, source: string, text: string): void {
  if (text !== '' && (verbose || !/"level":"(INFO|DEBUG)"/.test(text))) line(`[${source}] ${text}`);
}

function printAddresses(cloud: LocalCloud, consumer: ConsumerProcess): void {
  table('Serving until Ctrl-C', [
    ['a record', `curl ${consumer.endpoint}/datasets/${dataset}/City/2950159`],
    ['health', `${consumer.endpoint}/health`],
    ['SQS endpoint', cloud.endpoints.sqs],
    ['mutation queue', cloud.outputs['MutationQueueUrl'] ?? ''],
    ['quarantine', cloud.outputs['QuarantineQueueUrl'] ?? ''],
    ['DynamoDB, S3', `${cloud.endpoints.dynamodb}, ${cloud.endpoints.s3}`],
    ['EventBridge, Lambda', `${cloud.endpoints.eventBridge}, ${cloud.endpoints.lambda}`],
    ['consumer function', cloud.outputs['ConsumerFunctionArn'] ?? ''],
    ['credentials', 'any'],
  ]);
}

/** Runs until done or until a signal; then everything is stopped. A second signal does not wait for that. */
async function main(options: Options): Promise<void> {
  const stops: Stops = [];
  const signalled = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  try {
    const finished = run(options, stops);
    finished.catch(() => {}); // when a signal came first, what still fails is of no interest
    await Promise.race([finished, signalled]);
  } catch (error) {
    process.exitCode = 1;
    line(isDatasetError(error) ? error.message : String(error instanceof Error ? error.stack : error));
  }
  process.once('SIGINT', () => process.exit(130));
  for (const stop of stops.toReversed()) await stop();
  process.exit();
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError('a port is a number from 0 to 65535');
}

await new Command('npm start --')
  .description(
    'Runs serverless-hollow on this machine: a local cloud, the deployed bundles, and a job through them.',
  )
  .option('--once', 'end after the summary instead of serving on', false)
  .option('--data <directory>', 'keep tables, queues and blobs there between runs')
  .option('--port <number>', 'port of the consumer (0: any free one)', parsePort, 0)
  .option('--verbose', 'print every log line of functions and consumer', false)
  .action((options: Options) => main(options))
  .parseAsync();
