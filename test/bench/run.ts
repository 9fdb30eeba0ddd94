/**
 * `node test/bench/run.ts [--datasets products,cities] [--count 1000000] [--rounds 5] [--peers ours,java,…]
 *   [--metrics load,index,…] [--directory D]`
 *
 * Starts one process per peer, lets them do each operation in turns (so that a slow minute of the machine hits all), and
 * prints the medians as a markdown table, with ratios to `ours`.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { build } from 'esbuild';
import { z } from 'zod';
import { loadCities } from '../../lib/local-cloud/demo/cities.ts';
import { canRunJava, javaProgram } from '../interop/support/java-availability.ts';
import { LineProcess } from '../support/line-process.ts';
import { cityRecords, keysFile } from './cities.ts';
import { type Metric, metrics } from './metrics.ts';
import { productRecords } from './products.ts';
import { writeCities } from './write-cities.ts';

const minutes10 = 600_000;
const { values } = parseArgs({
  options: {
    datasets: { type: 'string', default: 'products,cities' },
    count: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '5' },
    peers: {
      type: 'string',
      default:
        'ours,ours-one-thread,ours-kept,ours-cached,java,json-map,json-document-map,json-zst-map,msgpackr-map,arrow,lmdb,sqlite',
    },
    metrics: { type: 'string', default: metrics.map(({ name }) => name).join(',') },
    directory: { type: 'string', default: join(tmpdir(), 'serverless-hollow-bench') },
  },
});
const rounds = Number(values.rounds);

interface BenchDataset {
  readonly name: string;
  readonly count: number;
  readonly directory: string;
}

function datasetOf(name: string): BenchDataset {
  const isOfCities = name === 'cities';
  const count = isOfCities ? loadCities().length : Number(values.count);
  return { name, count, directory: join(values.directory, isOfCities ? name : String(count)) };
}

const datasets = values.datasets.split(',').map(datasetOf);
const chosen = values.peers.split(',').filter((peer) => peer !== 'java' || canRunJava());
/** Files are read by one thread. */
const oneThread = { UV_THREADPOOL_SIZE: '1' };
/** Memory that was freed stays with the process, as it does in a JVM (docs/guide.md, "Memory settings of the process"). */
const keptMemory = { MALLOC_MMAP_MAX_: '0', MALLOC_TRIM_THRESHOLD_: String(2 ** 32) };
const reply = z.object({
  ns: z.number().optional(),
  check: z.number().nullable().optional(),
  resident: z.number().optional(),
});

/** Peers that are another one in a process with settings of its own. */
const settings: ReadonlyMap<string, { readonly module: string; readonly env: Record<string, string> }> =
  new Map([
    ['ours-one-thread', { module: 'ours', env: oneThread }],
    ['ours-kept', { module: 'ours', env: { ...oneThread, ...keptMemory } }],
  ]);

function start(peer: string, { name, directory }: BenchDataset): LineProcess {
  if (peer === 'java') {
    const sharing = `-XX:SharedArchiveFile=${join(directory, 'interop.jsa')}`;
    return new LineProcess(peer, javaProgram.java, [
      '-Xmx6g',
      '-Xlog:disable',
      sharing,
      '-jar',
      javaProgram.jar,
    ]);
  }
  const { module, env } = settings.get(peer) ?? { module: peer, env: {} };
  const node = ['--max-old-space-size=6144', join(bundled, 'subject.mjs'), module, name];
  // What the archive of classes is to Java.
  const compileCache = { NODE_COMPILE_CACHE: join(directory, 'compile-cache') };
  return new LineProcess(peer, process.execPath, node, { ...compileCache, ...env });
}

/** The fields of a request; the Java program takes files and names of fields, the others the directory. */
function request(process: LineProcess, dataset: BenchDataset, command: string, fields: object = {}) {
  const { name, directory, count } = dataset;
  const file = { load: 'snapshot-1', apply: 'delta-1-2', write: 'snapshot-java' }[command];
  const all = {
    directory,
    count,
    file: file && join(directory, file),
    ...readBy(name, directory),
    ...fields,
  };
  return process.request(`bench.${command}`, all, reply, minutes10);
}

/** What the Java program reads. */
function readBy(name: string, directory: string): object {
  const { fields, type } = name === 'cities' ? cityRecords : productRecords;
  const { third, ...names } = fields;
  const keys = name === 'cities' ? { key: 'cityId', keys: join(directory, keysFile) } : { key: 'id' };
  return { type, ...keys, ...names, third: third.name };
}

/** As it would be deployed: without the cost of stripping types at each start. */
const bundled = join(import.meta.dirname, 'dist');

async function bundle(): Promise<void> {
  await build({
    entryPoints: ['subject.ts', 'look-up-worker.ts'].map((file) => join(import.meta.dirname, file)),
    outdir: bundled,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    packages: 'external',
  });
}

async function prepare(dataset: BenchDataset): Promise<void> {
  const { name, directory } = dataset;
  mkdirSync(directory, { recursive: true });
  if (name === 'cities' && !existsSync(join(directory, 'delta-1-2'))) writeCities(directory);
  if (chosen.includes('java') || name !== 'cities') await prepareByJava(dataset);
  for (const peer of peersOf(dataset).filter((peer) => peer !== 'java' && !peer.startsWith('ours-'))) {
    if (existsSync(join(directory, `${peer}.prepared`))) continue;
    await using subject = start(peer, dataset);
    await request(subject, dataset, 'prepare');
    mkdirSync(join(directory, `${peer}.prepared`));
  }
}

/** Flechette's columns are made of products by hand. */
const peersOf = ({ name }: BenchDataset) => chosen.filter((peer) => name !== 'cities' || peer !== 'arrow');

async function prepareByJava(dataset: BenchDataset): Promise<void> {
  const { name, directory } = dataset;
  if (!existsSync(join(directory, 'interop.jsa'))) {
    // Ends with an archive of the classes: without it Java's start is not at its best.
    const archive = `-XX:ArchiveClassesAtExit=${join(directory, 'interop.jsa')}`;
    await using java = new LineProcess('java', javaProgram.java, [
      '-Xmx6g',
      archive,
      '-jar',
      javaProgram.jar,
    ]);
    if (name !== 'cities') {
      await request(java, dataset, 'write', { file: join(directory, 'snapshot-1') });
      await request(java, dataset, 'change', { revision: 1, file: join(directory, 'delta-1-2') });
    }
    await request(java, dataset, 'load');
    await request(java, dataset, 'index');
  }
}

/**
 * In a small virtual machine, a page that it has not used for a while has to be fetched from its host, which takes ten times
 * as long as a page that it has, and hits whoever comes first. So memory is used once before each row.
 */
async function fetchMemory(): Promise<void> {
  const program = `for (let i = 0; i < 8; i++) globalThis['kept' + i] = Buffer.alloc(2 ** 29, 1)`;
  await promisify(execFile)(process.execPath, ['-e', program]);
}

/** One number per round, by peer; peers that cannot do it are left out. */
async function measure(
  metric: Metric,
  dataset: BenchDataset,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const { count } = dataset;
  const results = new Map<string, number[]>();
  const checks = new Map<number, string>();
  const peers = peersOf(dataset).filter((peer) => metric.peers === undefined || metric.peers.includes(peer));
  const running = new Map(metric.isColdStart ? [] : peers.map((peer) => [peer, start(peer, dataset)]));
  try {
    for (let round = 0; round < rounds; round++) {
      for (const peer of peers) {
        const started = process.hrtime.bigint();
        const subject = running.get(peer) ?? start(peer, dataset);
        let outcome: z.infer<typeof reply> = {};
        for (const [command, fields] of metric.steps(round))
          outcome = await request(subject, dataset, command, fields);
        const elapsed = Number(process.hrtime.bigint() - started);
        if (metric.isColdStart) await subject[Symbol.asyncDispose]();
        results.set(peer, [...(results.get(peer) ?? []), metric.value(outcome, { elapsed, count })]);
        if (metric.isChecked && typeof outcome.check === 'number') checks.set(outcome.check, peer);
      }
    }
  } finally {
    for (const subject of running.values()) await subject[Symbol.asyncDispose]();
  }
  if (checks.size > 1)
    throw new Error(`${metric.name}: the peers do not agree: ${JSON.stringify([...checks])}`);
  return results;
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** A row of the table. */
async function row(metric: Metric, dataset: BenchDataset): Promise<string> {
  await fetchMemory();
  const results = await measure(metric, dataset);
  const ours = median(results.get('ours') ?? []);
  const cells = chosen.map((peer) => {
    const result = median(results.get(peer) ?? []);
    if (Number.isNaN(result)) return '';
    const ratio = metric.isRate ? ours / result : result / ours;
    return peer === 'ours' || Number.isNaN(ratio)
      ? result.toPrecision(3)
      : `${result.toPrecision(3)} (x ${ratio.toFixed(2)})`;
  });
  return `| ${dataset.name} | ${metric.label} | ${metric.unit} | ${cells.join(' | ')} |\n`;
}

await bundle();
for (const dataset of datasets) await prepare(dataset);
const machine = `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
const day = new Date().toISOString().slice(0, 10);
const sizes = datasets.map(({ name, count }) => `${count} ${name}`).join(', ');
process.stdout.write(`${day}, ${machine}, Node ${process.version}, ${sizes}, ${rounds} rounds\n\n`);
process.stdout.write(`\`node test/bench/run.ts ${process.argv.slice(2).join(' ')}\`\n\n`);
process.stdout.write(
  `| dataset | metric | unit | ${chosen.join(' | ')} |\n|---|---|---|${'---|'.repeat(chosen.length)}\n`,
);
for (const dataset of datasets) {
  const asked = metrics.filter(({ name }) => values.metrics.split(',').includes(name));
  for (const metric of asked.filter(
    ({ isOfProducts = false }) => dataset.name === 'products' || !isOfProducts,
  )) {
    process.stdout.write(await row(metric, dataset));
  }
}
process.stdout.write('\nx: how many times better ours is; below 1 the peer is better.\n');
