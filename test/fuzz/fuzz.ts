import { isDatasetError } from '../../lib/errors.ts';
import type { TypeFilter } from '../../lib/schema/type-filter.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { hashState, toHex } from '../../lib/state/state-hash.ts';
import { readCorpus, readThrough, type Subject } from './corpus.ts';
import { type Draw, damaged, drawOf } from './damage.ts';
import { memoryMax } from './memory-bound.ts';

export interface FuzzFind {
  readonly seed: number;
  readonly subject: string;
  readonly problem: string;
}

export interface FuzzTotals {
  runs: number;
  /** Refused, by kind of error. */
  readonly refused: Record<string, number>;
  /** Read to the end: what was damaged was not there to be read, or is a value like another. */
  accepted: number;
  slowestMs: number;
  /** Greatest share of {@link memoryMax} that was taken. */
  memoryShareMax: number;
  readonly finds: FuzzFind[];
}

export interface FuzzOptions {
  readonly seed: number;
  readonly count: number;
  /** A damaged blob of some kilobytes that takes longer is a find. */
  readonly runMsMax: number;
}

const filters: readonly TypeFilter[] = [
  [],
  [],
  [{ exclude: '*', field: 'value' }],
  [{ exclude: '*' }, { include: 'Movie', recursive: true }],
];

/** Seeds from `seed` on, each one damaged blob. Whatever is done to it: a value, or a DatasetError; soon, and in little memory. */
export function fuzz({ seed: first, count, runMsMax }: FuzzOptions): FuzzTotals {
  const corpus = readCorpus();
  const totals: FuzzTotals = {
    runs: 0,
    refused: {},
    accepted: 0,
    slowestMs: 0,
    memoryShareMax: 0,
    finds: [],
  };
  for (let seed = first; seed < first + count; seed++) {
    const draw = drawOf(seed);
    const subject = draw.of(corpus);
    const find = (problem: string) => totals.finds.push({ seed, subject: subject.name, problem });
    const bytes = damaged(subject.bytes, draw.of(corpus).bytes, draw);
    const start = performance.now();
    const memoryBefore = process.memoryUsage().arrayBuffers;
    const error = errorOf(() => decodeAndRead(subject, bytes, draw, memoryBefore, totals));
    const ms = performance.now() - start;
    totals.runs++;
    totals.slowestMs = Math.max(totals.slowestMs, ms);
    if (ms > runMsMax) find(`took ${ms.toFixed(0)} ms`);
    if (error === null) totals.accepted++;
    else if (!isDatasetError(error))
      find(error instanceof Error ? (error.stack ?? error.message) : 'what was thrown is no Error');
    else if (error.kind === 'corrupt' || error.kind === 'incompatible') {
      totals.refused[error.kind] = (totals.refused[error.kind] ?? 0) + 1;
    } else find(`a blob is damaged, but the error is '${error.kind}': ${error.message}`);
    if (totals.memoryShareMax > 1) {
      find(`took ${totals.memoryShareMax.toFixed(1)} times the memory that it may`);
      totals.memoryShareMax = 0;
    }
  }
  return totals;
}

function decodeAndRead(
  subject: Subject,
  bytes: Uint8Array,
  draw: Draw,
  memoryBefore: number,
  totals: FuzzTotals,
): void {
  let state: ReadState | null = null;
  try {
    state = subject.decode(bytes, { filter: draw.of(filters), ownership: draw.of(['copied', 'taken']) });
  } finally {
    const taken = process.memoryUsage().arrayBuffers - memoryBefore;
    const share = taken / memoryMax(bytes.length + subject.bytes.length, subject.typeCount);
    totals.memoryShareMax = Math.max(totals.memoryShareMax, share);
  }
  if (state !== null) readThrough(state);
}

function errorOf(run: () => void): unknown {
  try {
    run();
    return null;
  } catch (error) {
    return error;
  }
}

/** Hashes of the states that deltas start from: no damaged delta may change them. */
export function soundHashes(): readonly string[] {
  return readCorpus().flatMap((subject) => {
    const state = subject.decode(subject.bytes, { filter: [], ownership: 'copied' });
    return state === null ? [] : [toHex(hashState(state, () => true))];
  });
}
