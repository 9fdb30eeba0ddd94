/** The figures at the end of the main job. */
import type { LocalCloud, ServiceName } from '../cloud.ts';
import { memoryOf } from './observe.ts';
import { bytes, count, milliseconds, table } from './print.ts';
import type { Demo, LoadResult } from './rounds.ts';
import { quantile } from './sending.ts';

export async function printSummary(cloud: LocalCloud, demo: Demo, load: LoadResult): Promise<void> {
  const served = await demo.consumer.served();
  const snapshots = await demo.observer.listBlobs('snapshot');
  const deltas = await demo.observer.listBlobs('delta');
  const deltaSizes = [...deltas.byVersion.values()].toSorted((a, b) => a - b);
  const newest = Math.max(0, ...snapshots.byVersion.keys());
  const { latenciesMs, durationMs, mutationCount } = load;
  const latency = (share: number) => milliseconds(quantile(latenciesMs, share));
  table('Summary', [
    ['records loaded', count(mutationCount)],
    ['time', milliseconds(durationMs)],
    ['records per second', count(mutationCount / (durationMs / 1000))],
    ['records served by the consumer', count(served?.count ?? 0)],
    ['versions (commits)', count(served?.version ?? 0)],
    ['newest snapshot', `${bytes(snapshots.byVersion.get(newest) ?? 0)}, of version ${count(newest)}`],
    ['snapshots', `${snapshots.byVersion.size}, ${bytes(snapshots.total)}`],
    [
      'deltas',
      `${deltaSizes.length}, ${bytes(deltas.total)}; median ${bytes(quantile(deltaSizes, 0.5))}, largest ${bytes(deltaSizes.at(-1) ?? 0)}`,
    ],
    ['write to visible', `p50 ${latency(0.5)}, p95 ${latency(0.95)}, max ${latency(1)}`],
  ]);
  table('Memory (resident, now and at most)', memoryRows(cloud, demo));
  table('Requests', requestRows(cloud));
  const metrics = [...cloud.metrics()].toSorted(([a], [b]) => (a < b ? -1 : 1));
  table(
    'Metrics of the functions',
    metrics.map(([name, { count: times, sum, max }]) => [
      name,
      `${count(times)} times, sum ${count(sum)}, largest ${count(max)}`,
    ]),
  );
}

function memoryRows(cloud: LocalCloud, { consumer }: Demo): [string, string][] {
  const functions = cloud.lambda.names.flatMap((name) => {
    const label = /Producer|Consumer/.exec(name)?.[0].toLowerCase() ?? name;
    return cloud.lambda.get(name).processIds.map((id) => [`${label} function`, id] as const);
  });
  const processes = [
    ['consumer service', consumer.processId] as const,
    ...functions,
    ['DynamoDB stand-in', cloud.dynamodbProcessId] as const,
    ['this process: S3, SQS, EventBridge, Lambda, sender', process.pid] as const,
  ];
  return processes.map(([label, id]) => {
    const memory = label.startsWith('this') ? ownMemory() : memoryOf(id);
    return [
      label,
      memory === null ? 'not known on this system' : `${bytes(memory.now)}, ${bytes(memory.peak)}`,
    ];
  });
}

/** Without the children, which have rows of their own. */
function ownMemory(): { now: number; peak: number } {
  return { now: process.memoryUsage.rss(), peak: process.resourceUsage().maxRSS * 1024 };
}

const serviceLabels: Readonly<Record<ServiceName, string>> = {
  s3: 'S3',
  dynamodb: 'DynamoDB',
  sqs: 'SQS',
  eventBridge: 'EventBridge',
  lambda: 'Lambda API',
  codeDeploy: 'CodeDeploy',
};

function requestRows(cloud: LocalCloud): [string, string][] {
  const requests = cloud.requests();
  return (Object.keys(serviceLabels) as ServiceName[]).map((service) => {
    const operations = [...requests[service]].toSorted(([, a], [, b]) => b - a);
    return [
      serviceLabels[service],
      operations.map(([name, times]) => `${name} ${count(times)}`).join(', ') || 'none',
    ];
  });
}
