/**
 * From the body of a message to mutations that can be trusted. A bad mutation is set aside with its reason, and the
 * rest of the message goes on. docs/guide.md shows the format; in short, one mutation or many:
 *
 *     {"op":"upsert","type":"City","value":{…},"order"?:{"timestamp":ms,"source":"s","sequence":n}}
 *     {"op":"patch","type":"City","key":{"cityId":1},"fields":{"population":5}}
 *     {"op":"delete","type":"City","key":{"cityId":1}}
 *     {"mutations":[…]}
 *
 * An upsert replaces the whole record: fields it does not name become null.
 */
import * as z from 'zod';
import { assert } from '../assert.ts';
import { limits } from '../limits.ts';
import type { MutationMessage, QuarantineEntry } from '../ports.ts';
import type { DatasetSchema } from '../schema/dataset-schema.ts';
import type { PartitionMap } from '../schema/partition-map.ts';
import {
  describe,
  isPlainObject,
  type PlainObject,
  type Problem,
  validateKey,
  validatePatch,
  validateRecord,
} from '../schema/record.ts';
import { keyOfPaths, keyOfRecord, type RecordKey } from '../schema/record-key.ts';
import { isBookkeepingType } from './bookkeeping-schema.ts';
import { deriveStamp, type OrderStamp } from './order-stamp.ts';

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

export type Mutation = Upsert | Patch | Delete;

export interface ParsedMessage {
  /** In the order of the message; every value has passed validateRecord. */
  readonly mutations: readonly Mutation[];
  /** What broke a rule: one entry per mutation, or one for the message as a whole. */
  readonly rejected: readonly QuarantineEntry[];
}

/** The partition that a producer commits to. */
export interface Home {
  readonly partitions: PartitionMap;
  readonly partition: number;
}

/** `schema`: the user's, or that with bookkeeping. Never throws, whatever the body is. */
export function parseMessage(
  schema: DatasetSchema,
  message: MutationMessage,
  nowMs: number,
  home: Home | null = null,
): ParsedMessage {
  const content = parseBody(message.body);
  if (content.problem !== null) {
    return {
      mutations: [],
      rejected: [entryOf(message, { index: null, problem: content.problem, content: message.body })],
    };
  }
  const mutations: Mutation[] = [];
  const rejected: QuarantineEntry[] = [];
  for (const [index, raw] of content.mutations.entries()) {
    const parsed = parseMutation(schema, raw, { defaultStamp: deriveStamp(message, index), nowMs, home });
    if ('op' in parsed) {
      mutations.push(parsed);
    } else {
      const field = content.isList ? prefixed(`mutations[${index}]`, parsed.field) : parsed.field;
      const problem = { field, reason: parsed.reason };
      rejected.push(entryOf(message, { index, problem, content: JSON.stringify(raw) }));
    }
  }
  return { mutations, rejected };
}

type Body =
  | { readonly problem: Problem }
  | { readonly problem: null; readonly mutations: readonly unknown[]; readonly isList: boolean };

function parseBody(body: string): Body {
  // Characters are fewer than bytes: this refuses nothing that the queue would take.
  if (body.length > limits.messageSizeMax) return refuse('', `larger than ${limits.messageSizeMax} bytes`);
  if (isNestedDeeper(body, limits.jsonDepthMax))
    return refuse('', `nested deeper than ${limits.jsonDepthMax} levels`);
  let content: unknown;
  try {
    content = JSON.parse(body);
  } catch (error) {
    return refuse('', `not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!isPlainObject(content)) return refuse('', `expected an object, got ${describe(content)}`);
  if (!Object.hasOwn(content, 'mutations')) return { problem: null, mutations: [content], isList: false };
  const { mutations, ...others } = content;
  const other = Object.keys(others)[0];
  if (other !== undefined)
    return refuse('', `${JSON.stringify(other.slice(0, 80))} cannot stand beside 'mutations'`);
  if (!Array.isArray(mutations)) return refuse('mutations', `expected an array, got ${describe(mutations)}`);
  if (mutations.length > limits.mutationsPerMessageMax) {
    return refuse('mutations', `more than ${limits.mutationsPerMessageMax}: ${mutations.length}`);
  }
  return { problem: null, mutations, isList: true };
}

function refuse(field: string, reason: string): Body {
  return { problem: { field, reason } };
}

const encoder = new TextEncoder();

/** Looks at brackets only, so it holds for text that is not JSON, too. On bytes: several times faster than on text. */
function isNestedDeeper(text: string, depthMax: number): boolean {
  if (!hasMore(text, '{', depthMax / 2) && !hasMore(text, '[', depthMax / 2)) return false;
  const bytes = encoder.encode(text);
  let depth = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === 0x22) {
      i = endOfString(bytes, i);
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > depthMax) return true;
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--;
    }
  }
  return false;
}

/** The text has this character more than `max` times. Most messages are told by their few brackets. */
function hasMore(text: string, character: string, max: number): boolean {
  let count = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) {
    if (++count > max) return true;
  }
  return false;
}

/** Index of the quote that closes the string opened at `start`, or the end of the text. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let i = start + 1; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === 0x22) return i;
    if (byte === 0x5c) i++;
  }
  return bytes.length;
}

const orderShape = z.strictObject({
  timestamp: z.int().min(0),
  source: z.string().min(1).max(limits.orderSourceSizeMax),
  sequence: z.int().min(0),
});

const common = { type: z.string(), order: orderShape.optional() };

const mutationShape = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('upsert'), ...common, value: z.unknown() }),
  z.strictObject({ op: z.literal('patch'), ...common, key: z.unknown(), fields: z.unknown() }),
  z.strictObject({ op: z.literal('delete'), ...common, key: z.unknown() }),
]);

/** What a mutation takes from the message around it. */
interface Surroundings {
  readonly defaultStamp: OrderStamp;
  readonly nowMs: number;
  /** Null: the dataset has one partition. */
  readonly home: Home | null;
}

function parseMutation(schema: DatasetSchema, raw: unknown, surroundings: Surroundings): Mutation | Problem {
  const mutation = parseAnywhere(schema, raw, surroundings);
  return 'op' in mutation ? (checkHome(mutation, surroundings.home) ?? mutation) : mutation;
}

/** In the wrong chain nobody would find it, and it would win over nothing: there is no way to apply it here. */
function checkHome({ type, key }: Mutation, home: Home | null): Problem | null {
  if (home === null) return null;
  const partition = home.partitions.ofRecordKey(type, key);
  if (partition === home.partition) return null;
  const reason = `the key belongs to partition ${partition} of ${home.partitions.count}, and this is ${home.partition}`;
  return { field: '', reason };
}

function parseAnywhere(schema: DatasetSchema, raw: unknown, surroundings: Surroundings): Mutation | Problem {
  if (!isPlainObject(raw)) return { field: '', reason: `expected a mutation, got ${describe(raw)}` };
  if (isPlainUpsert(raw)) return parseUpsert(schema, raw, surroundings.defaultStamp);
  const shaped = mutationShape.safeParse(raw);
  if (!shaped.success) return shapeProblem(raw, shaped.error.issues[0]);
  const mutation = shaped.data;
  const { type, order: stamp = surroundings.defaultStamp } = mutation;
  const problem = checkType(schema, type) ?? checkOrder(mutation.order, surroundings.nowMs);
  if (problem !== null) return problem;
  if (mutation.op === 'upsert') return parseUpsert(schema, mutation, stamp);
  const wrong =
    validateKey(schema, type, mutation.key, 'key') ??
    (mutation.op === 'patch' ? validatePatch(schema, type, mutation.fields, 'fields') : null);
  if (wrong !== null) return wrong;
  const key = keyOfPaths(schema, type, plain(mutation.key));
  if (mutation.op === 'delete') return { op: 'delete', type, key, stamp };
  return { op: 'patch', type, key, stamp, fields: plain(mutation.fields) };
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
): Mutation | Problem {
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
    return { field: 'op', reason: `expected 'upsert', 'patch' or 'delete', got ${describe(raw['op'])}` };
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
