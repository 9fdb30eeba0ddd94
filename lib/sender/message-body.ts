import { toBase64 } from '../bytes/base64.ts';
import { DatasetError } from '../errors.ts';
import { parseAmounts } from '../schema/amounts.ts';
import type { AnyDataset } from '../schema/builder.ts';
import { jsonField, jsonRecord } from '../schema/json-record.ts';
import { isPlainObject, type PlainObject } from '../schema/plain-object.ts';
import { describe, type Problem, validateKey, validatePatch } from '../schema/record.ts';
import type { AnyMutation, MutationInput } from './mutation-input.ts';

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
    throw rejected(mutation, { ...problem, field: `mutations[${index}].${problem.field}` });
  });
  return JSON.stringify({ mutations: bodies });
}

/** A mutation that breaks a rule, as an error that names its type, the field, what was expected, and what came. */
export function rejected({ type }: AnyMutation, { field, reason }: Problem): DatasetError {
  return new DatasetError('rejected', `${type}: ${field}: ${reason}`, { type, field });
}

/** One mutation as JSON can hold it, or the first thing that is wrong with it. */
export type MutationBody =
  | { readonly problem: Problem; readonly body: null }
  | { readonly problem: null; readonly body: PlainObject };

/** Checks a mutation as a producer will check it. */
export function mutationBody(dataset: AnyDataset, mutation: AnyMutation): MutationBody {
  const { op, type, order, condition, opId } = mutation;
  const common = Object.fromEntries(
    Object.entries({ op, type, order, condition, opId }).filter(([, value]) => value !== undefined),
  );
  if (opId !== undefined && op !== 'increment' && condition === undefined) {
    return refuse('opId', { field: '', reason: 'only an increment or a conditional mutation has one' });
  }
  if (op === 'upsert') {
    const result = jsonRecord(dataset, type, mutation.value);
    if (result.problem !== null) return refuse('value', result.problem);
    return { problem: null, body: { ...common, value: result.record } };
  }
  if (op !== 'patch' && op !== 'delete' && op !== 'increment') {
    const reason = `expected 'upsert', 'patch', 'delete' or 'increment', got ${describe(op)}`;
    return refuse('op', { field: '', reason });
  }
  const key = jsonKey(mutation.key);
  const problem = validateKey(dataset.schema, type, key, 'key');
  if (problem !== null) return { problem, body: null };
  if (op === 'delete') return { problem: null, body: { ...common, key } };
  if (op === 'patch') return patchBody(dataset, mutation, { ...common, key });
  const { problem: wrong, amounts } = parseAmounts(dataset.schema, type, mutation.fields);
  return wrong === null
    ? { problem: null, body: { ...common, key, fields: amounts } }
    : { problem: wrong, body: null };
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
  if (problem !== null) return refuse('fields', problem);
  const wrong = validatePatch(dataset.schema, type, converted, 'fields');
  return wrong === null
    ? { problem: null, body: { ...common, fields: converted } }
    : { problem: wrong, body: null };
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
  if (part === 0) return 0;
  return typeof part === 'bigint' ? String(part) : part;
}
