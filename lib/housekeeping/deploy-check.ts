import { announcementDetailType, announcementSource } from '../announcement.ts';
import type { Consumer } from '../consumer/consumer.ts';
import type { LoadedVersion } from '../consumer/loaded-version.ts';
import { DatasetError, isDatasetError } from '../errors.ts';
import type { Clock, HeadStore } from '../ports.ts';
import { announcementOf } from '../producer/announce.ts';
import type { DatasetSchema } from '../schema/dataset-schema.ts';
import { requireReadable } from '../schema/reader-schema.ts';
import { keyOfPaths } from '../schema/record-key.ts';
import { type PlainRecord, recordJson } from '../state/plain-record.ts';
import { toHex } from '../state/state-hash.ts';

/** A version of a deployed function, to be asked something. */
export interface AskedVersion {
  /** The function's answer to this event. Rejects when the function fails. */
  ask(event: unknown): Promise<unknown>;
}

export interface DeployCheckOptions {
  /** Runs the new code of the library, with the rights of a reader. */
  readonly consumer: Consumer;
  /** Of the producer that is deployed; null: what is deployed only reads. */
  readonly schema: DatasetSchema | null;
  /** The new version, which nobody uses yet. */
  readonly candidate: AskedVersion;
  /** The version in use. */
  readonly live: AskedVersion;
  /**
   * What is asked: sample look-ups of a consumer as it comes with this package, a batch without messages of a producer,
   * the announcement of the present version of any other consumer.
   */
  readonly probe: 'lookups' | 'batch' | 'announcement';
  readonly heads: HeadStore;
  readonly clock: Clock;
}

export interface DeployCheckResult {
  /** Null: nothing speaks against the new version. */
  readonly problem: string | null;
  /** Of the dataset that was loaded; null: it has no version yet. */
  readonly version: number | null;
  /** `StateHashes.data`, as the new code computes it; it was held against the head's. */
  readonly hash: string | null;
  readonly lookups: number;
}

const samplesPerType = 20;
/** A dataset moves while it is looked at: how often a look-up is repeated on the newer version. */
const attemptsMax = 5;

interface LookupAnswer {
  readonly version: number;
  readonly record: unknown;
}

/**
 * Before any traffic moves to a new version of a function: can the new code read what is there, does it answer as the
 * version in use does, and can those who read now go on reading what it will write?
 *
 * @throws what is not a verdict: storage that does not answer, for instance
 */
export async function checkDeployment(options: DeployCheckOptions): Promise<DeployCheckResult> {
  const { consumer, schema, probe } = options;
  try {
    await consumer.refresh();
  } catch (error) {
    if (!isDatasetError(error) || (error.kind !== 'corrupt' && error.kind !== 'incompatible')) throw error;
    return verdict(consumer, 0, `the new code cannot read the dataset: ${error.message}`);
  }
  const stored = consumer.loaded?.state.schema;
  const schemaProblem = schema === null || stored === undefined ? null : schemaProblemOf(stored, schema);
  if (schemaProblem !== null) return verdict(consumer, 0, schemaProblem);
  if (probe === 'lookups') return checkLookups(options);
  return verdict(
    consumer,
    0,
    await (probe === 'batch' ? batchProblem(options) : announcementProblem(options)),
  );
}

function verdict(consumer: Consumer, lookups: number, problem: string | null): DeployCheckResult {
  const { loaded } = consumer;
  const hash = loaded === null ? null : toHex(loaded.hashes.data);
  return { problem, version: loaded?.ref.version ?? null, hash, lookups };
}

/** Whoever reads the stored schema now must be able to read the next one: types and fields may only be added. */
function schemaProblemOf(stored: DatasetSchema, next: DatasetSchema): string | null {
  try {
    requireReadable(stored, next);
    return null;
  } catch (error) {
    if (!isDatasetError(error, 'incompatible')) throw error;
    return `the new schema would break readers of the present one: ${error.message}`;
  }
}

/** Starting is what can fail: settings, the bundle, its memory. Nothing is written, since nothing is sent. */
async function batchProblem({ candidate }: DeployCheckOptions): Promise<string | null> {
  const answer = await answerOf(candidate, { Records: [] });
  if ('problem' in answer) return `the new version fails on an empty batch: ${answer.problem}`;
  const said = JSON.stringify(answer.value);
  return said === '{"batchItemFailures":[]}' ? null : `the new version answers an empty batch with ${said}`;
}

/** What an application does with its dataset is its own; that it survives the next announcement can be asked of each. */
async function announcementProblem({
  candidate,
  consumer,
  heads,
  clock,
}: DeployCheckOptions): Promise<string | null> {
  const head = await heads.load(consumer.id, 'strong');
  if (head === null) return null;
  const detail = announcementOf(consumer.id, head, clock.nowMs(), []);
  const event = { source: announcementSource, 'detail-type': announcementDetailType, detail };
  const answer = await answerOf(candidate, event);
  return 'problem' in answer ? `the new version fails on an announcement: ${answer.problem}` : null;
}

async function checkLookups(options: DeployCheckOptions): Promise<DeployCheckResult> {
  const { consumer, candidate } = options;
  if (consumer.loaded === null) {
    // An empty dataset still shows whether the function starts.
    const answer = await answerOf(candidate, { type: '', key: {} });
    const problem = 'problem' in answer ? `the new version fails: ${answer.problem}` : null;
    return verdict(consumer, 0, problem);
  }
  let lookups = 0;
  for (const type of consumer.loaded.indexes.keys()) {
    for (const key of sampleKeys(consumer.loaded, type)) {
      lookups += 1;
      const problem = await lookupProblem(options, type, key);
      if (problem !== null) return verdict(consumer, lookups, problem);
    }
  }
  return verdict(consumer, lookups, null);
}

type Key = Readonly<Record<string, unknown>>;

/** Keys of records that lie evenly over the type. */
function sampleKeys({ state }: LoadedVersion, type: string): readonly Key[] {
  const records = state.objectType(type);
  const stride = Math.max(1, Math.floor((records.maxOrdinal + 1) / samplesPerType));
  const ordinals = new Set<number>();
  for (let i = 0; i < samplesPerType; i++) {
    const ordinal = records.nextPopulated(i * stride);
    if (ordinal >= 0) ordinals.add(ordinal);
  }
  return [...ordinals].map((ordinal) => keyOf(state.schema, type, recordJson(state, type, ordinal)));
}

function keyOf(schema: DatasetSchema, type: string, record: PlainRecord): Key {
  return Object.fromEntries(
    schema.keyPaths(type).map(({ path }) => [path, valueAt(record, path.split('.'))]),
  );
}

function valueAt(value: unknown, steps: readonly string[]): unknown {
  const [step, ...rest] = steps;
  if (step === undefined || typeof value !== 'object' || value === null) return value;
  return valueAt(Reflect.get(value, step), rest);
}

/**
 * Null: the new version answers with the record that the new code sees, and the version in use does not disagree. While
 * the dataset moves they hardly ever look at the same version; it is enough that the record is the same before and after.
 */
async function lookupProblem(options: DeployCheckOptions, type: string, key: Key): Promise<string | null> {
  const { consumer, candidate, live } = options;
  const what = `${type} ${JSON.stringify(key)}`;
  let problem: string | null = null;
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const before = sightOf(consumer, type, key);
    const [answer, liveAnswer] = await Promise.all([
      answerOf(candidate, { type, key }),
      answerOf(live, { type, key }),
    ]);
    if ('problem' in answer) return `the new version fails on ${what}: ${answer.problem}`;
    const asked = lookupAnswer(answer.value);
    if (asked === null) return `the new version answers ${what} with ${JSON.stringify(answer.value)}`;
    if (asked.version !== before.version) await consumer.refresh();
    const after = sightOf(consumer, type, key);
    const isSeen = ({ version }: LookupAnswer) => before.version <= version && version <= after.version;
    if (!isSeen(asked)) {
      problem = `the new version does not reach version ${after.version} of the dataset`;
    } else if (before.record === after.record) {
      // A version in use that fails must not stand in the way of its own repair.
      const old = 'problem' in liveAnswer ? null : lookupAnswer(liveAnswer.value);
      problem = disagreement(what, before.record, asked, old !== null && isSeen(old) ? old : null);
      // What has moved may have moved there and back.
      if (problem === null || before.version === after.version) return problem;
    }
  }
  return problem;
}

function disagreement(
  what: string,
  expected: string,
  asked: LookupAnswer,
  old: LookupAnswer | null,
): string | null {
  const found = JSON.stringify(asked.record);
  if (found !== expected) return `the new version answers ${what} with ${found}, not with ${expected}`;
  if (old === null || JSON.stringify(old.record) === found) return null;
  return `versions disagree on ${what}: the one in use says ${JSON.stringify(old.record)}, the new one ${found}`;
}

/** The version that is loaded, and the record in it, as text. */
function sightOf(consumer: Consumer, type: string, key: Key): { version: number; record: string } {
  const version = consumer.version?.version ?? 0;
  return { version, record: JSON.stringify(recordAt(consumer, type, key)) };
}

function recordAt(consumer: Consumer, type: string, key: Key): PlainRecord | null {
  const { loaded } = consumer;
  if (loaded === null) throw new DatasetError('unavailable', 'no version is loaded');
  const { state, indexes } = loaded;
  const parts = keyOfPaths(state.schema, type, key).parts;
  const ordinal = indexes.get(type)?.findByKey(parts) ?? -1;
  return ordinal < 0 ? null : recordJson(state, type, ordinal);
}

function lookupAnswer(value: unknown): LookupAnswer | null {
  if (typeof value !== 'object' || value === null || !('version' in value) || !('record' in value))
    return null;
  return typeof value.version === 'number' ? { version: value.version, record: value.record } : null;
}

async function answerOf(
  version: AskedVersion,
  event: unknown,
): Promise<{ readonly value: unknown } | { readonly problem: string }> {
  try {
    return { value: await version.ask(event) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
