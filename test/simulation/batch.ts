import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { mutants } from './all-mutants.ts';
import { Coverage } from './coverage.ts';
import { drawScenario } from './scenario.ts';
import { simulate } from './simulate.ts';

/** Seeds to run, one after the other; every worker takes the next one that nobody has. */
export interface Batch {
  readonly first: number;
  readonly count: number;
  /** Null: the protocol as it is. */
  readonly mutant: string | null;
  /** Stop everything at the first failure. */
  readonly untilFailure: boolean;
}

export interface Failure {
  readonly seed: number;
  readonly invariant: string;
  readonly message: string;
  readonly lastLines: readonly string[];
}

export interface Totals {
  readonly seeds: number;
  readonly events: number;
  readonly commits: number;
  readonly conflicts: number;
  readonly crashes: number;
}

interface WorkerInput {
  readonly batch: Batch;
  /** Index of the next seed to take. */
  readonly next: Int32Array<SharedArrayBuffer>;
}

export interface BatchResult {
  readonly totals: Totals;
  readonly failures: readonly Failure[];
  readonly coverage: Coverage;
}

/** Young objects of a run die with it: with room for them hardly any are ever copied. */
const youngGenerationMb = 192;

/** Told while a batch runs, as a long one may be ended before its end. */
export interface BatchObserver {
  /** Seeds that are done, now and then. */
  readonly onProgress?: (seeds: number) => void;
  readonly onFailure?: (failure: Failure) => void;
}

/** Runs a batch on `workerCount` threads. */
export async function runBatch(
  batch: Batch,
  workerCount: number,
  { onProgress = () => undefined, onFailure = () => undefined }: BatchObserver = {},
): Promise<BatchResult> {
  const next = new Int32Array(new SharedArrayBuffer(4));
  const workerData: WorkerInput = { batch, next };
  const progress = setInterval(() => onProgress(Math.min(batch.count, Atomics.load(next, 0))), 10_000);
  try {
    const results = await Promise.all(
      Array.from({ length: workerCount }, () => runWorker(workerData, onFailure)),
    );
    return sum(results);
  } finally {
    clearInterval(progress);
  }
}

interface WorkerResult {
  readonly totals: Totals;
  readonly failures: readonly Failure[];
  readonly cells: ReadonlyMap<string, number>;
}

function runWorker(data: WorkerInput, onFailure: (failure: Failure) => void): Promise<WorkerResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: data,
      resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
    });
    worker.on('message', (message: Failure | WorkerResult) => {
      if ('totals' in message) resolve(message);
      else onFailure(message);
    });
    worker.once('error', reject);
  });
}

function sum(results: readonly WorkerResult[]): BatchResult {
  const coverage = new Coverage();
  for (const { cells } of results) coverage.add(cells);
  const total = (of: (totals: Totals) => number): number =>
    results.reduce((all, { totals }) => all + of(totals), 0);
  const totals = {
    seeds: total((t) => t.seeds),
    events: total((t) => t.events),
    commits: total((t) => t.commits),
    conflicts: total((t) => t.conflicts),
    crashes: total((t) => t.crashes),
  };
  const failures = results.flatMap((result) => result.failures).sort((a, b) => a.seed - b.seed);
  return { totals, failures, coverage };
}

async function work(
  { batch, next }: WorkerInput,
  onFailure: (failure: Failure) => void,
): Promise<WorkerResult> {
  const mutant = batch.mutant === null ? {} : (mutants[batch.mutant] ?? {});
  const coverage = new Coverage();
  const failures: Failure[] = [];
  const totals = { seeds: 0, events: 0, commits: 0, conflicts: 0, crashes: 0 };
  for (;;) {
    const index = Atomics.add(next, 0, 1);
    if (index >= batch.count) break;
    const seed = batch.first + index;
    const { violation, lastLines, ...run } = await simulate({
      scenario: drawScenario(seed),
      mutant,
      coverage,
    });
    totals.seeds += 1;
    totals.events += run.eventCount;
    totals.commits += run.commitCount;
    totals.conflicts += run.conflictCount;
    totals.crashes += run.crashCount;
    if (violation === null) continue;
    const failure = { seed, invariant: violation.invariant, message: violation.message, lastLines };
    failures.push(failure);
    onFailure(failure);
    if (batch.untilFailure) Atomics.store(next, 0, batch.count);
  }
  return { totals, failures, cells: coverage.cells };
}

if (!isMainThread && parentPort !== null) {
  // Errors are answers here, and their stacks the most expensive part of them.
  Error.stackTraceLimit = 0;
  const port = parentPort;
  port.postMessage(await work(workerData as WorkerInput, (failure) => port.postMessage(failure)));
}
