/**
 * From the body of a message to mutations that can be trusted. A bad mutation is set aside with its reason, and the
 * rest of the message goes on. docs/guide.md shows the format; in short, one mutation or many:
 *
 *     {"op":"upsert","type":"City","value":{…},"order"?:{"timestamp":ms,"source":"s","sequence":n}}
 *     {"op":"patch","type":"City","key":{"cityId":1},"fields":{"population":5}}
 *     {"op":"delete","type":"City","key":{"cityId":1}}
 *     {"op":"increment","type":"City","key":{"cityId":1},"fields":{"population":1},"opId"?:"…"}
 *     {"mutations":[…],"atomic"?:true,"progress"?:{"source":"s","sequence":n}}
 *
 * with `"condition":{"ifAbsent":true}` or `{"ifVersion":{order stamp}}` beside upsert, patch and delete. An upsert replaces the whole record: fields it does not name become null.
 */
import * as z from 'zod';
import { assert } from '../assert.ts';
import { limits } from '../limits.ts';
import type { MutationMessage, QuarantineEntry } from '../ports.ts';
import type { MessageProgress } from '../receipt.ts';
import { type Amounts, parseAmounts } from '../schema/amounts.ts';
import type { DatasetSchema } from '../schema/dataset-schema.ts';
import type { PartitionMap } from '../schema/partition-map.ts';
import { isPlainObject, type PlainObject } from '../schema/plain-object.ts';
import { describe, type Problem, validateKey, validatePatch, validateRecord } from '../schema/record.ts';
import { keyOfPaths, keyOfRecord, type RecordKey } from '../schema/record-key.ts';
import { isBookkeepingType } from './bookkeeping-schema.ts';
import { deriveStamp, type OrderStamp } from './order-stamp.ts';
import { parseBody } from './parse-body.ts';

interface MutationOf<Op extends string> {
  readonly op: Op;
  /** A type with a primary key. */
  readonly type: string;
  readonly key: RecordKey;
  readonly stamp: OrderStamp;
}

/** Makes the record what `value` says. */
export interface Upsert extends MutationOf<'upsert'> {
  readonly value: PlainObject;
}

/** Sets some fields, if and when the record is there. */
export interface Patch extends MutationOf<'patch'> {
  readonly fields: PlainObject;
}

export type Delete = MutationOf<'delete'>;

/** What can be taken in any number of times, in any order, and needs nothing but its stamp for that. */
export type JoinedMutation = Upsert | Patch | Delete;

/** Adds to fields, once for each operation id. */
export interface Increment extends MutationOf<'increment'> {
  readonly fields: Amounts;
}

/** What must hold of the record at the moment of the commit. */
export type Condition =
  | { readonly kind: 'absent' }
  /** Its version (`versionOf` in key-draft.ts) is this one. */
  | { readonly kind: 'version'; readonly stamp: OrderStamp };

export interface Step {
  readonly mutation: JoinedMutation | Increment;
  readonly condition: Condition | null;
  /** By this the ledger knows it again; null: it needs no ledger. */
  readonly opId: string | null;
  /** Position in the message. */
  readonly index: number;
}

/** What is taken in as a whole or not at all: an increment, a conditional mutation, or an atomic message. */
export interface Unit {
  readonly message: MutationMessage;
  readonly isAtomic: boolean;
  readonly steps: readonly Step[];
}

export interface ParsedMessage {
  /** What needs no unit, in the order of the message; every value has passed validateRecord. */
  readonly mutations: readonly JoinedMutation[];
  /** Positions of {@link mutations} in the message. */
  readonly positions: readonly number[];
  readonly units: readonly Unit[];
  /** What broke a rule: one entry per mutation, or one for the message as a whole. */
  readonly rejected: readonly QuarantineEntry[];
  /** Which message of its source this is; null: it does not say. */
  readonly progress: MessageProgress | null;
}

/** The partition that a producer commits to. */
export interface Home {
  readonly partitions: PartitionMap;
  readonly partition: number;
}

export interface ParseOptions {
  /** Default: the dataset has one partition. */
  readonly home?: Home | null;
  /** Default: what a queue carries. */
  readonly bodySizeMax?: number;
}

/** `schema`: the user's, or that with bookkeeping. Never throws, whatever the body is. */
export function parseMessage(
  schema: DatasetSchema,
  message: MutationMessage,
  nowMs: number,
  { home = null, bodySizeMax = limits.messageSizeMax }: ParseOptions = {},
): ParsedMessage {
  const content = parseBody(message.body, bodySizeMax);
  if (content.problem !== null) {
    return {
      ...nothing,
      rejected: [entryOf(message, { index: null, problem: content.problem, content: message.body })],
    };
  }
  const steps: Step[] = [];
  const ids = content.isAtomic ? new Set<string>() : null;
  const rejected: QuarantineEntry[] = [];
  for (const [index, raw] of content.mutations.entries()) {
    const parsed = requireNewId(parseStep(schema, raw, { message, index, nowMs, home }), ids);
    if ('mutation' in parsed) {
      const { mutation, opId } = parsed;
      // Nearly all messages are one mutation that needs no unit, and no lists to be sorted into.
      if (!content.isList && opId === null && mutation.op !== 'increment') {
        return {
          mutations: [mutation],
          positions: onlyFirst,
          units: nothing.units,
          rejected,
          progress: null,
        };
      }
      steps.push(parsed);
      continue;
    }
    const field = content.isList ? prefixed(`mutations[${index}]`, parsed.field) : parsed.field;
    const problem = { field, reason: parsed.reason };
    if (content.isAtomic) {
      const entry = entryOf(message, { index: null, problem, content: message.body });
      return { ...nothing, progress: content.progress, rejected: [entry] };
    }
    rejected.push(entryOf(message, { index, problem, content: JSON.stringify(raw) }));
  }
  const { progress } = content;
  return { ...unitsOf(message, steps, content.isAtomic), progress, rejected };
}

/** Of one id the ledger keeps one outcome. Apart from each other, the second of two counts as the first once more. */
function requireNewId(parsed: Step | Problem, ids: Set<string> | null): Step | Problem {
  if (ids === null || !('mutation' in parsed) || parsed.opId === null) return parsed;
  if (ids.has(parsed.opId)) return { field: 'opId', reason: 'is there twice in one atomic message' };
  ids.add(parsed.opId);
  return parsed;
}

const onlyFirst: readonly number[] = [0];

const nothing = { mutations: [], positions: [], units: [], progress: null };

function unitsOf(
  message: MutationMessage,
  steps: readonly Step[],
  isAtomic: boolean,
): Omit<ParsedMessage, 'rejected' | 'progress'> {
  if (isAtomic) return { ...nothing, units: steps.length === 0 ? [] : [{ message, isAtomic, steps }] };
  const mutations: JoinedMutation[] = [];
  const positions: number[] = [];
  const units: Unit[] = [];
  for (const step of steps) {
    const { mutation, opId, index } = step;
    if (opId !== null || mutation.op === 'increment') {
      units.push({ message, isAtomic, steps: [step] });
    } else {
      mutations.push(mutation);
      positions.push(index);
    }
  }
  return { mutations, positions, units };
}

const orderShape = z.strictObject({
  timestamp: z.int().min(0),
  source: z.string().min(1).max(limits.orderSourceSizeMax),
  sequence: z.int().min(0),
});

const opIdShape = z.string().min(1).max(limits.opIdSizeMax);

const common = { type: z.string(), order: orderShape.optional() };

const conditionShape = z.union([
  z.strictObject({ ifAbsent: z.literal(true) }),
  z.strictObject({ ifVersion: orderShape }),
]);

const conditional = { ...common, condition: z.unknown().optional(), opId: opIdShape.optional() };

const mutationShape = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('upsert'), ...conditional, value: z.unknown() }),
  z.strictObject({ op: z.literal('patch'), ...conditional, key: z.unknown(), fields: z.unknown() }),
  z.strictObject({ op: z.literal('delete'), ...conditional, key: z.unknown() }),
  z.strictObject({
    op: z.literal('increment'),
    ...common,
    opId: opIdShape.optional(),
    key: z.unknown(),
    fields: z.unknown(),
  }),
]);

type Shaped = z.output<typeof mutationShape>;

/** What a mutation takes from the message around it. */
interface Surroundings {
  readonly message: MutationMessage;
  readonly index: number;
  readonly nowMs: number;
  /** Null: the dataset has one partition. */
  readonly home: Home | null;
}

function parseStep(schema: DatasetSchema, raw: unknown, surroundings: Surroundings): Step | Problem {
  const step = parseAnywhere(schema, raw, surroundings);
  return 'mutation' in step ? (checkHome(step.mutation, surroundings.home) ?? step) : step;
}

/** In the wrong chain nobody would find it, and it would win over nothing: there is no way to apply it here. */
function checkHome({ type, key }: Step['mutation'], home: Home | null): Problem | null {
  if (home === null) return null;
  const partition = home.partitions.ofRecordKey(type, key);
  if (partition === home.partition) return null;
  const reason = `the key belongs to partition ${partition} of ${home.partitions.count}, and this is ${home.partition}`;
  return { field: '', reason };
}

function parseAnywhere(schema: DatasetSchema, raw: unknown, surroundings: Surroundings): Step | Problem {
  const { message, index } = surroundings;
  if (!isPlainObject(raw)) return { field: '', reason: `expected a mutation, got ${describe(raw)}` };
  if (isPlainUpsert(raw)) {
    const mutation = parseUpsert(schema, raw, deriveStamp(message, index));
    return 'reason' in mutation ? mutation : { mutation, condition: null, opId: null, index };
  }
  const shaped = mutationShape.safeParse(raw);
  if (!shaped.success) return shapeProblem(raw, shaped.error.issues[0]);
  const { data } = shaped;
  const stamp = data.order ?? deriveStamp(message, index);
  const problem = checkType(schema, data.type) ?? checkOrder(data.order, surroundings.nowMs);
  if (problem !== null) return problem;
  const condition = parseCondition(data);
  if (condition !== null && 'reason' in condition) return condition;
  const mutation = parseMutation(schema, data, stamp);
  if ('reason' in mutation) return mutation;
  const needsLedger = condition !== null || mutation.op === 'increment';
  if (!needsLedger && data.opId !== undefined) {
    return { field: 'opId', reason: 'only an increment or a conditional mutation has one' };
  }
  const opId = needsLedger ? (data.opId ?? `${message.id}/${index}`) : null;
  return { mutation, condition, opId, index };
}

function parseMutation(schema: DatasetSchema, shaped: Shaped, stamp: OrderStamp): Step['mutation'] | Problem {
  const { type } = shaped;
  if (shaped.op === 'upsert') return parseUpsert(schema, shaped, stamp);
  const wrong =
    validateKey(schema, type, shaped.key, 'key') ??
    (shaped.op === 'patch' ? validatePatch(schema, type, shaped.fields, 'fields') : null);
  if (wrong !== null) return wrong;
  const key = keyOfPaths(schema, type, plain(shaped.key));
  switch (shaped.op) {
    case 'delete':
      return { op: 'delete', type, key, stamp };
    case 'patch':
      return { op: 'patch', type, key, stamp, fields: plain(shaped.fields) };
    case 'increment': {
      const { problem, amounts } = parseAmounts(schema, type, shaped.fields);
      return problem ?? { op: 'increment', type, key, stamp, fields: amounts };
    }
  }
}

function parseCondition(shaped: Shaped): Condition | Problem | null {
  if (shaped.op === 'increment' || shaped.condition === undefined) return null;
  const parsed = conditionShape.safeParse(shaped.condition);
  if (!parsed.success) {
    const reason = `expected {"ifAbsent":true} or {"ifVersion":{timestamp, source, sequence}}, got ${describe(shaped.condition)}`;
    return { field: 'condition', reason };
  }
  if ('ifVersion' in parsed.data) return { kind: 'version', stamp: parsed.data.ifVersion };
  if (shaped.op === 'upsert') return { kind: 'absent' };
  return { field: 'condition.ifAbsent', reason: `a ${shaped.op} of what is absent does nothing` };
}

interface PlainUpsert {
  readonly type: string;
  readonly value?: unknown;
}

/** What nearly all mutations are: nothing but op, type and value. Other shapes are checked with more words. */
function isPlainUpsert(raw: PlainObject): raw is PlainObject & PlainUpsert {
  return (
    raw['op'] === 'upsert' &&
    typeof raw['type'] === 'string' &&
    Object.hasOwn(raw, 'value') &&
    Object.keys(raw).length === 3
  );
}

function parseUpsert(
  schema: DatasetSchema,
  { type, value: given }: PlainUpsert,
  stamp: OrderStamp,
): Upsert | Problem {
  const wrong = checkType(schema, type) ?? validateRecord(schema, type, given, 'value');
  if (wrong !== null) return wrong;
  const value = plain(given);
  return { op: 'upsert', type, key: keyOfRecord(schema, type, value), stamp, value };
}

/** Narrows what validation has already found to be an object. */
function plain(value: unknown): PlainObject {
  assert(isPlainObject(value), 'a validated value is an object');
  return value;
}

function checkType(schema: DatasetSchema, type: string): Problem | null {
  const found = isBookkeepingType(type) ? undefined : schema.find(type);
  if (found === undefined) return { field: 'type', reason: `unknown type: ${describe(type)}` };
  if (found.kind === 'OBJECT' && found.primaryKey.length > 0) return null;
  return { field: 'type', reason: `${type} has no primary key, so no mutation can find its records` };
}

/** A stamp from the future would win over everything until then. */
function checkOrder(order: OrderStamp | undefined, nowMs: number): Problem | null {
  if (order === undefined || order.timestamp <= nowMs + limits.clockSkewMsMax) return null;
  const aheadMs = order.timestamp - nowMs;
  return {
    field: 'order.timestamp',
    reason: `${aheadMs} ms ahead of now, more than ${limits.clockSkewMsMax}`,
  };
}

function shapeProblem(raw: PlainObject, issue: z.core.$ZodIssue | undefined): Problem {
  assert(issue !== undefined, 'a failed check has an issue');
  if (issue.code === 'invalid_union') {
    return {
      field: 'op',
      reason: `expected 'upsert', 'patch', 'delete' or 'increment', got ${describe(raw['op'])}`,
    };
  }
  const field = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const name = (issue.keys[0] ?? '').slice(0, 80);
    return {
      field: prefixed(field, name),
      reason: `unknown field of ${field === '' ? `op '${String(raw['op'])}'` : field}`,
    };
  }
  let value: unknown = raw;
  for (const step of issue.path) value = isPlainObject(value) ? value[String(step)] : undefined;
  if (value === undefined) return { field, reason: 'is missing' };
  const rule = issue.code === 'invalid_type' ? `expected ${issue.expected}` : issue.message;
  return { field, reason: `${rule}, got ${describe(value)}` };
}

function prefixed(prefix: string, field: string): string {
  return prefix === '' || field === '' ? prefix + field : `${prefix}.${field}`;
}

interface Rejection {
  readonly index: number | null;
  readonly problem: Problem;
  readonly content: string;
}

function entryOf(message: MutationMessage, { index, problem, content }: Rejection): QuarantineEntry {
  const { field, reason } = problem;
  return {
    messageId: message.id,
    index,
    field,
    reason: field === '' ? reason : `${field}: ${reason}`,
    content: content.slice(0, limits.quarantineContentSizeMax),
    sentAtMs: message.sentAtMs,
    ...(message.correlationId === undefined ? {} : { correlationId: message.correlationId }),
  };
}
