import type { DatasetSchema } from './dataset-schema.ts';
import { isPlainObject } from './plain-object.ts';
import { describe, type Problem, validatePatch } from './record.ts';
import type { FieldKind } from './schema.ts';

/** What an increment adds, by field. For INT and LONG safe integers, for FLOAT and DOUBLE finite. */
export type Amounts = Readonly<Record<string, number>>;

const numericKinds: readonly FieldKind[] = ['INT', 'LONG', 'FLOAT', 'DOUBLE'];

/** `fields` as amounts, or what is wrong with them (then there are none). */
export function parseAmounts(
  schema: DatasetSchema,
  type: string,
  fields: unknown,
): { readonly problem: Problem | null; readonly amounts: Amounts } {
  const given = isPlainObject(fields) ? Object.entries(fields) : [];
  const wrong = given.reduce<Problem | null>(
    (problem, [name]) => problem ?? kindProblem(schema, type, name),
    null,
  );
  const problem = wrong ?? validatePatch(schema, type, fields, 'fields');
  if (problem !== null) return { problem, amounts: {} };
  const amounts: Record<string, number> = {};
  for (const [name, value] of given) {
    if (typeof value !== 'number') {
      const reason = `expected a number to add, got ${describe(value)}`;
      return { problem: { field: `fields.${name}`, reason }, amounts: {} };
    }
    amounts[name] = value;
  }
  return { problem: null, amounts };
}

function kindProblem(schema: DatasetSchema, type: string, name: string): Problem | null {
  const kind = schema.getObject(type).fields.find((field) => field.name === name)?.kind;
  if (kind === undefined || numericKinds.includes(kind)) return null;
  const reason = `is a ${kind}: only a field of INT, LONG, FLOAT or DOUBLE can be incremented`;
  return { field: `fields.${name}`, reason };
}

/**
 * `value` (null counts as 0) and all amounts together, in the kind of the field. A sum beyond what the field can hold
 * stays at its end.
 */
export function addAmounts(kind: FieldKind, value: unknown, amounts: readonly number[]): number | bigint {
  if (kind === 'LONG') return addLong(value, amounts);
  const sum = amounts.reduce((total, amount) => total + amount, typeof value === 'number' ? value : 0);
  const max = maxOf(kind);
  const bounded = Math.min(max, Math.max(-max, sum));
  return kind === 'FLOAT' ? Math.fround(bounded) : bounded;
}

export function kindOf(schema: DatasetSchema, type: string, name: string): FieldKind {
  const field = schema.getObject(type).fields.find((candidate) => candidate.name === name);
  // Unknown only where a schema lost a field that a waiting increment names: it adds to nothing then.
  return field?.kind ?? 'REFERENCE';
}

const longMax = 9_223_372_036_854_775_807n;
const floatMax = 3.4028234663852886e38;

function addLong(value: unknown, amounts: readonly number[]): number | bigint {
  let sum =
    typeof value === 'bigint' || typeof value === 'number' || typeof value === 'string' ? BigInt(value) : 0n;
  for (const amount of amounts) sum += BigInt(amount);
  if (sum > longMax) return longMax;
  if (sum < -longMax) return -longMax;
  const number = Number(sum);
  return Number.isSafeInteger(number) ? number : sum;
}

function maxOf(kind: FieldKind): number {
  if (kind === 'INT') return 2_147_483_647;
  return kind === 'FLOAT' ? floatMax : Number.MAX_VALUE;
}
