import { parseArgs } from 'node:util';
import { pricesAsOf } from '../../../infra/prices.ts';
import { type CommitPathResult, runCommitPath, type Scenario } from './commit-path.ts';
import { cpuMs, latencies } from './latencies.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '10' },
    rate: { type: 'string', default: '20' },
    records: { type: 'string', default: '10' },
  },
});
const seed = Number(values.seed);
const recordsPerMessage = Number(values.records);
const messagesPerSecond = Number(values.rate);
const durationMs = Number(values.seconds) * 1_000;

const line = (text = ''): void => void process.stdout.write(`${text}\n`);
const row = (...cells: readonly (string | number)[]): void => line(`| ${cells.join(' | ')} |`);
const header = (...cells: readonly string[]): void => {
  row(...cells);
  row(...cells.map(() => '---'));
};

function quantiles(ascending: readonly number[]): string {
  const at = (share: number): string =>
    (ascending[Math.floor((ascending.length - 1) * share)] ?? 0).toFixed(0);
  return `${at(0.5)} / ${at(0.95)} / ${at(0.99)}`;
}

function costOf({ calls, records, commits }: CommitPathResult): readonly string[] {
  const perMillion = 1_000_000 / records;
  return [
    (records / commits).toFixed(0),
    Math.round(calls.requests * perMillion).toLocaleString('en-US'),
    (calls.dollars * perMillion).toFixed(3),
  ];
}

const shares = ({ conflicts, commits, returned }: CommitPathResult): string => {
  const share = `${((100 * conflicts) / (conflicts + commits)).toFixed(0)} %`;
  return returned === 0 ? share : `${share}, ${returned} messages went back`;
};

const counts = [1, 4, 16].flatMap((partitions) => [1, 2, 4].map((producers) => ({ partitions, producers })));
const scenario = (more: Partial<Scenario> & Pick<Scenario, 'partitions' | 'producers'>): Scenario => ({
  seed,
  recordsPerMessage,
  messagesPerSecond,
  durationMs,
  ...more,
});

line(
  `Latencies p50/p95, ms, lognormal: ${Object.entries(latencies)
    .map(([name, { p50, p95 }]) => `${name} ${p50}/${p95}`)
    .join(', ')}`,
);
line(
  `Work of a producer: ${cpuMs.batch} ms for each batch and ${cpuMs.record * 1_000} us for each record. Prices of ${pricesAsOf}.`,
);
line(
  `\nSteady: ${messagesPerSecond} messages/s of ${recordsPerMessage} records to each partition, seed ${seed}, ${durationMs / 1_000} s\n`,
);
header(
  ...[
    'deltas in',
    'partitions',
    'producers each',
    'queue to committed p50/p95/p99, ms',
    'to visible, ms',
    'handler to committed, ms',
  ],
  ...['conflicts', 'records/commit', 'requests per 1M records', '$ per 1M records'],
);
const inlineCounts = [1, 4].map((partitions) => ({ partitions, producers: 1, isInline: true }));
for (const each of [...counts.map((count) => ({ ...count, isInline: false })), ...inlineCounts]) {
  const result = await runCommitPath(scenario(each));
  row(
    ...[each.isInline ? 'table' : 'bucket', each.partitions, each.producers],
    ...[quantiles(result.toCommitMs), quantiles(result.toVisibleMs)],
    ...[quantiles(result.handlerMs), shares(result), ...costOf(result)],
  );
}

const fullRecords = recordsPerMessage * 5;
line(
  `\nAs fast as it goes: always more in the queues than producers take, ${fullRecords} records in a message\n`,
);
header(
  'partitions',
  'producers each',
  'records/s',
  'times one',
  'commits/s',
  'conflicts',
  'records/commit',
  'requests per 1M records',
  '$ per 1M records',
);
const single = new Map<number, number>();
for (const each of counts) {
  const more = {
    messagesPerSecond: null,
    recordsPerMessage: fullRecords,
    durationMs: Math.min(3_000, durationMs),
  };
  const result = await runCommitPath(scenario({ ...each, ...more }));
  const { recordsPerSecond, records, commits } = result;
  if (each.partitions === 1) single.set(each.producers, recordsPerSecond);
  const times = recordsPerSecond / (single.get(each.producers) ?? Number.NaN);
  row(
    ...[
      each.partitions,
      each.producers,
      Math.round(recordsPerSecond).toLocaleString('en-US'),
      times.toFixed(1),
    ],
    ...[((commits * recordsPerSecond) / records).toFixed(0), shares(result), ...costOf(result)],
  );
  if (each.partitions === 4 && times < 3) {
    process.exitCode = 1;
    line(`four partitions are only ${times.toFixed(1)} times as fast as one`);
  }
}
