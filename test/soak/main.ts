/**
 * The built bundles in the local cloud, under load, while connections and processes fail at random: what the sender was told
 * is in must be in, once, and nothing else. `npm run soak -- --rounds 200 --seed 7`
 *
 *   faults.ts       what may happen to a request      fault-proxy.ts  makes it happen
 *   rounds.ts       one round, and blows to processes
 *   load.ts         what is sent, and what must come of it
 *   reader.ts       the consumer service               check.ts        the end: state against oracle
 */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { sqsClient } from '../../lib/aws/clients.ts';
import { AwsMutationSink } from '../../lib/aws/mutation-sink.ts';
import { systemClock } from '../../lib/local/system-clock.ts';
import { systemRandom } from '../../lib/local/system-random.ts';
import { synthesize } from '../../lib/local-cloud/assembly.ts';
import { startLocalCloud } from '../../lib/local-cloud/cloud.ts';
import { clientConfig } from '../../lib/local-cloud/environment.ts';
import { SeededRandom } from '../../lib/memory/random.ts';
import { MemoryTelemetry } from '../../lib/memory/telemetry.ts';
import { Sender } from '../../lib/sender/sender.ts';
import { check, queueDepth } from './check.ts';
import { FaultProxy } from './fault-proxy.ts';
import { type FaultyService, faultyServices } from './faults.ts';
import { cities, Load } from './load.ts';
import { Reader } from './reader.ts';
import { calm, playRound } from './rounds.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    'round-ms': { type: 'string', default: '3000' },
    rate: { type: 'string', default: '80' },
    verbose: { type: 'boolean', default: false },
  },
});
const [roundCount, seed] = [Number(values.rounds), Number(values.seed)];
const [roundMs, perSecond] = [Number(values['round-ms']), Number(values.rate)];
const random = new SeededRandom(seed);
/** Messages; faults make producers slower than senders at times, and a queue has no end. */
const depthMax = 500;
const line = (text: string): void => void process.stdout.write(`${text}\n`);
line(`soak: ${roundCount} rounds of ${roundMs} ms, seed ${seed}`);

// Whoever stops it, nothing is left behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const proxies = new Map<FaultyService, FaultProxy>();
const assembly = await synthesize('serverless-hollow-dev');
const cloud = await startLocalCloud({
  ...assembly,
  async reroute(name, endpoint) {
    const service = faultyServices.find((each) => each === name);
    if (service === undefined) return endpoint;
    const proxy = new FaultProxy(service, endpoint, new SeededRandom(random.uniform() * 2 ** 32));
    proxies.set(service, proxy);
    return proxy.start();
  },
  onLog: (source, text) => {
    if (values.verbose) line(`[${source}] ${text}`);
  },
});
const direct = sqsClient(clientConfig(cloud.endpoints.sqs));
const queueUrl = cloud.outputs['MutationQueueUrl'] ?? '';
// What a killed producer had in hand comes again soon, so that it comes within the run.
await direct.send(
  new SetQueueAttributesCommand({ QueueUrl: queueUrl, Attributes: { VisibilityTimeout: '10' } }),
);

const telemetry = new MemoryTelemetry();
const faulty = sqsClient(clientConfig(cloud.environment['AWS_ENDPOINT_URL_SQS'] ?? ''));
const sinks = new AwsMutationSink({ client: faulty, queueUrl });
const sender = new Sender({
  dataset: cities,
  sinks,
  clock: systemClock,
  random: systemRandom,
  telemetry,
  name: 'soak',
});
const load = new Load(sender, random);
const reader = new Reader(cloud);
const victims = { cloud, reader, proxies };
const startMs = performance.now();
let problems: readonly string[] = [];
try {
  await load.begin();
  await reader.start();
  const stop = new AbortController();
  const sending = load.run(perSecond, stop.signal);
  for (let round = 1; round <= roundCount; round++) {
    const story = await playRound(victims, random, roundMs);
    const depth = await queueDepth(direct, queueUrl);
    load.isPaused = depth > depthMax;
    line(
      `${String(round).padStart(3)}: accepted ${load.accepted}, in the queue ${depth}: ${story || 'calm'}`,
    );
  }
  calm(victims);
  stop.abort();
  await sending;
  problems = await check({ cloud, reader, load, sqs: direct });
} finally {
  await reader.kill();
  for (const proxy of proxies.values()) await proxy.stop();
  await cloud.stop();
  for (const client of [direct, faulty]) client.destroy();
}
const seconds = (performance.now() - startMs) / 1_000;
const faults = Array.from(proxies, ([service, proxy]) => {
  const counts = Array.from(proxy.faults(), ([kind, count]) => `${kind} ${count}`);
  return `  ${service}: ${counts.join(', ')}`;
});
const sum = (metric: string): number => cloud.metrics().get(metric)?.sum ?? 0;
line(`\n${roundCount} rounds in ${seconds.toFixed(0)} s, seed ${seed}. Faults:\n${faults.join('\n')}`);
line(
  `  ${cloud.getFunction('ProducerFunction').starts} producer sandboxes, ${reader.starts} consumers; ${sum('Commits')} commits reported, ` +
    `${sum('CommitConflicts')} conflicts, ${sum('CommitsUnknown')} of unknown outcome`,
);
line(
  `  ${load.accepted} mutations accepted, ${telemetry.sum('SendsRepeated')} sends and ${load.repeated} calls repeated`,
);
for (const problem of problems) line(`PROBLEM: ${problem}`);
line(
  problems.length === 0
    ? 'Every accepted mutation is in, once.'
    : `${problems.length} problems; replay with --seed ${seed}`,
);
await sleep(0);
process.exitCode = problems.length === 0 ? 0 : 1;
