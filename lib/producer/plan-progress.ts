import type { LoadedState } from '../consumer/loaded-version.ts';
import { DatasetError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { MessageProgress } from '../receipt.ts';
import { recordObject } from '../state/plain-record.ts';
import { progressType } from './bookkeeping-schema.ts';
import type { PlannedRecord } from './planned.ts';

/** A message that says which one of its source it is. */
export interface Progress extends MessageProgress {
  readonly sentAtMs: number;
}

interface SourceState {
  /** Of the record; -1: there is none yet. */
  readonly ordinal: number;
  /** Everything up to here is done. */
  readonly sequence: number;
  /** What is done above it, ascending: from, to. */
  readonly ahead: readonly (readonly [number, number])[];
  readonly sentAtMs: number;
}

export interface ProgressPlan {
  readonly others: readonly PlannedRecord[];
  /** All sources as the next version will tell of them; null: as this one does. */
  readonly progress: ReadonlyMap<string, number> | null;
}

/** Takes note of messages. Noted again they change nothing. At most {@link limits.progressSourcesMax} sources stay. Pure. */
export function planProgress(base: LoadedState, messages: readonly Progress[]): ProgressPlan {
  if (messages.length === 0) return { others: [], progress: null };
  const before = readSources(base);
  const after = new Map(before);
  for (const { source, sequence, sentAtMs } of messages) {
    const known = after.get(source) ?? { ordinal: -1, sequence: 0, ahead: [], sentAtMs };
    const next = add(known, sequence);
    if (next !== known) after.set(source, { ...next, sentAtMs: Math.max(known.sentAtMs, sentAtMs) });
  }
  for (const source of longestSilent(after)) after.delete(source);
  const others: PlannedRecord[] = [];
  for (const [source, state] of after) {
    if (before.get(source) === state) continue;
    others.push({ type: progressType, ordinal: state.ordinal, record: recordOf(source, state) });
  }
  for (const [source, { ordinal }] of before) {
    if (!after.has(source)) others.push({ type: progressType, ordinal, record: null });
  }
  if (others.length === 0) return { others, progress: null };
  return { others, progress: new Map(Array.from(after, ([source, { sequence }]) => [source, sequence])) };
}

function add(state: SourceState, sequence: number): SourceState {
  if (sequence <= state.sequence || state.ahead.some(([from, to]) => from <= sequence && sequence <= to)) {
    return state;
  }
  const all: [number, number][] = [...state.ahead, [sequence, sequence] as const]
    .toSorted(([a], [b]) => a - b)
    .map(([from, to]) => [from, to]);
  const ahead: [number, number][] = [];
  let done = state.sequence;
  for (const [from, to] of all) {
    const last = ahead.at(-1);
    if (last === undefined && from === done + 1) done = to;
    else if (last !== undefined && from === last[1] + 1) last[1] = to;
    else ahead.push([from, to]);
  }
  // Sources with more gaps than this have lost messages before they reached the queue: the oldest gap is given up.
  if (ahead.length > limits.progressGapsMax) done = ahead.shift()?.[1] ?? done;
  return { ...state, sequence: done, ahead };
}

function longestSilent(sources: ReadonlyMap<string, SourceState>): string[] {
  const tooMany = sources.size - limits.progressSourcesMax;
  if (tooMany <= 0) return [];
  return [...sources]
    .toSorted(([a, x], [b, y]) => x.sentAtMs - y.sentAtMs || (a < b ? -1 : 1))
    .slice(0, tooMany)
    .map(([source]) => source);
}

function recordOf(source: string, { sequence, ahead, sentAtMs }: SourceState) {
  return { source, sequence, ahead: ahead.length === 0 ? null : JSON.stringify(ahead), sentAtMs };
}

function readSources({ state }: LoadedState): Map<string, SourceState> {
  const records = state.type(progressType);
  const sources = new Map<string, SourceState>();
  for (let ordinal = records.nextPopulated(0); ordinal >= 0; ordinal = records.nextPopulated(ordinal + 1)) {
    const { source, sequence, ahead, sentAtMs } = recordObject(state, progressType, ordinal);
    if (typeof source !== 'string' || typeof sequence !== 'number' || typeof sentAtMs !== 'number') {
      throw new DatasetError('corrupt', 'bookkeeping: the progress of a source is not readable');
    }
    sources.set(source, { ordinal, sequence, ahead: readRanges(ahead), sentAtMs });
  }
  return sources;
}

function readRanges(text: unknown): [number, number][] {
  const parsed: unknown = typeof text === 'string' ? JSON.parse(text) : [];
  if (!Array.isArray(parsed)) throw new DatasetError('corrupt', 'bookkeeping: a progress is not readable');
  return parsed.map(([from, to]: [number, number]) => [from, to]);
}
