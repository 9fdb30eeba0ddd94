import { toBase64 } from '../bytes/base64.ts';
import { DatasetError } from '../errors.ts';
import type { AnyDataset } from '../schema/builder.ts';
import { jsonField, jsonRecord } from '../schema/json-record.ts';
import {
  isPlainObject,
  type PlainObject,
  type Problem,
  validateKey,
  validatePatch,
} from '../schema/record.ts';
import type { InputOf, KeyedNameOf, KeyPathsOf } from '../schema/record-of.ts';

/** Decides which of several mutations of one key wins: the greatest by time, then source, then sequence. */
export interface Order {
  /** Epoch ms. */
  readonly timestamp: number;
  /** Of two sources with the same time the one that sorts later wins. */
  readonly source: string;
  readonly sequence: number;
}

interface Common<Op extends string, Name> {
  readonly op: Op;
  readonly type: Name;
  /** Default: when the queue took the message. */
  readonly order?: Order;
}

/** Makes the record what `value` says: fields that it does not name become null. */
export interface UpsertInput<D extends AnyDataset, Name extends KeyedNameOf<D>>
  extends Common<'upsert', Name> {
  readonly value: InputOf<D, Name>;
}

/** Sets some fields, if and when the record is there. */
export interface PatchInput<D extends AnyDataset, Name extends KeyedNameOf<D>> extends Common<'patch', Name> {
  readonly key: KeyPathsOf<D, Name>;
  readonly fields: Omit<InputOf<D, Name>, keyof KeyPathsOf<D, Name>>;
}

export interface DeleteInput<D extends AnyDataset, Name extends KeyedNameOf<D>>
  extends Common<'delete', Name> {
  readonly key: KeyPathsOf<D, Name>;
}

/** A mutation of one of the keyed types of a dataset. */
export type MutationInput<D extends AnyDataset> = {
  [Name in KeyedNameOf<D>]: UpsertInput<D, Name> | PatchInput<D, Name> | DeleteInput<D, Name>;
}[KeyedNameOf<D>];

/**
 * The text of a message with these mutations, checked as a producer will check it.
 *
 * @throws DatasetError `rejected`: names the mutation and the field, e.g. `mutations[2].value.population`
 * @example
 * const body = messageBody(cities, [
 *   { op: 'upsert', type: 'City', value: { id: 1, name: 'Utrecht', founded: new Date('1122-06-02') } },
 *   { op: 'patch', type: 'City', key: { id: 2 }, fields: { population: 5 } },
 *   { op: 'delete', type: 'City', key: { id: 3 } },
 * ]);
 * await sink.send([{ body }]);
 */
export function messageBody<D extends AnyDataset>(
  dataset: D,
  mutations: readonly MutationInput<D>[],
): string {
  const bodies = mutations.map((mutation: AnyMutation, index) => {
    const { problem, body } = mutationBody(dataset, mutation);
    if (problem === null) return body;
    const field = `mutations[${index}].${problem.field}`;
    throw new DatasetError('rejected', `${field}: ${problem.reason}`, { field });
  });
  return JSON.stringify({ mutations: bodies });
}

/** As the compiler's types say, without following them. */
export interface AnyMutation extends Common<'upsert' | 'patch' | 'delete', string> {
  readonly value?: unknown;
  readonly key?: unknown;
  readonly fields?: unknown;
}

/** One mutation as JSON can hold it, or the first thing that is wrong with it. */
export type MutationBody =
  | { readonly problem: Problem; readonly body: null }
  | { readonly problem: null; readonly body: PlainObject };

/** Checks a mutation as a producer will check it. */
export function mutationBody(dataset: AnyDataset, mutation: AnyMutation): MutationBody {
  const { op, type, order } = mutation;
  const common = { op, type, ...(order === undefined ? {} : { order }) };
  if (op === 'upsert') {
    const result = jsonRecord(dataset, type, mutation.value);
    if (result.problem !== null) return refuse('value', result.problem);
    return { problem: null, body: { ...common, value: result.record } };
  }
  const key = jsonKey(mutation.key);
  const problem = validateKey(dataset.schema, type, key, 'key');
  if (problem !== null) return { problem, body: null };
  return op === 'delete'
    ? { problem: null, body: { ...common, key } }
    : patchBody(dataset, mutation, { ...common, key });
}

function patchBody(dataset: AnyDataset, { type, fields }: AnyMutation, common: PlainObject): MutationBody {
  let problem: Problem | null = null;
  const converted: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(isPlainObject(fields) ? fields : {})) {
    const field = jsonField(dataset, type, [name, value]);
    problem ??= field.problem;
    // A patch sets what it names: undefined would be lost in JSON.
    converted[name] = field.value ?? null;
  }
  const wrong = validatePatch(dataset.schema, type, converted, 'fields');
  if (wrong !== null) return { problem: wrong, body: null };
  return problem === null
    ? { problem: null, body: { ...common, fields: converted } }
    : refuse('fields', problem);
}

function refuse(parent: string, { field, reason }: Problem): MutationBody {
  return { problem: { field: field === '' ? parent : `${parent}.${field}`, reason }, body: null };
}

function jsonKey(key: unknown): unknown {
  if (!isPlainObject(key)) return key;
  return Object.fromEntries(Object.entries(key).map(([path, part]) => [path, jsonPart(part)]));
}

function jsonPart(part: unknown): unknown {
  if (part instanceof Date) return part.getTime();
  if (part instanceof Uint8Array) return toBase64(part);
  return typeof part === 'bigint' ? String(part) : part;
}
