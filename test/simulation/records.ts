import { stampTypeOf } from '../../lib/producer/bookkeeping-schema.ts';
import { recordObject, type PlainRecord as StatePlain } from '../../lib/state/plain-record.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { type Accepted, compareStamps, type Oracle, type PlainRecord, recordName } from './oracle.ts';
import type { Stamp } from './traffic.ts';
import { Violation } from './world.ts';

const keyFields = { City: ['cityId'], Score: ['team', 'round'] } as const;
const types = ['City', 'Score'] as const;

/** A stamp record, read without the code that wrote it. */
interface Stamps {
  readonly base: Stamp | null;
  readonly isDeleted: boolean;
  readonly patches: ReadonlyMap<string, { readonly stamp: Stamp; readonly waiting: unknown }>;
}

/** All records of the data types, by name. */
export function readRecords(state: ReadState): Map<string, PlainRecord> {
  const records = new Map<string, PlainRecord>();
  for (const type of types) {
    for (const record of recordsOf(state, type)) {
      const name = recordName(type, keyFields[type].map((field) => String(record[field])).join('/'));
      if (records.has(name)) throw new Violation('S2', `two records of ${name}`);
      records.set(name, record);
    }
  }
  return records;
}

/** True: `state`, or a version before it, has taken the mutation in. */
export function findCovered(state: ReadState, { intent, stamp }: Accepted): boolean {
  const known = readStamps(state).get(recordName(intent.type, intent.key));
  if (known === undefined) return false;
  if (known.base !== null && compareStamps(known.base, stamp) >= 0) return true;
  if (intent.op !== 'patch') return false;
  return Object.keys(intent.fields).every((field) => {
    const register = known.patches.get(field);
    return register !== undefined && compareStamps(register.stamp, stamp) >= 0;
  });
}

/** S2: each record is what some accepted mutations make, and its stamps say which. */
export function requireNoPhantoms(state: ReadState, oracle: Oracle): void {
  const records = readRecords(state);
  const stamps = readStamps(state);
  for (const name of records.keys()) {
    if (!stamps.has(name)) throw new Violation('S2', `${name} has no stamps`);
  }
  for (const [name, known] of stamps) {
    const expected = expectedRecord(name, known, oracle);
    if (print(records.get(name) ?? null) !== print(expected)) {
      throw new Violation(
        'S2',
        `${name} is ${print(records.get(name) ?? null)}, its stamps say ${print(expected)}`,
      );
    }
  }
}

export function requireSameRecords(
  actual: ReadonlyMap<string, PlainRecord>,
  expected: ReadonlyMap<string, PlainRecord>,
): void {
  for (const name of new Set([...actual.keys(), ...expected.keys()])) {
    const [is, should] = [print(actual.get(name) ?? null), print(expected.get(name) ?? null)];
    if (is !== should) throw new Violation('S3', `${name} is ${is} in the end and should be ${should}`);
  }
}

function expectedRecord(name: string, known: Stamps, oracle: Oracle): PlainRecord | null {
  const base = known.base === null ? null : oracle.find(name, known.base);
  if (base === undefined || (base !== null && (base.intent.op === 'delete') !== known.isDeleted)) {
    throw new Violation('S2', `${name} has the stamp ${String(known.base)} of no mutation`);
  }
  const record = base?.intent.op === 'upsert' ? { ...base.intent.fields } : null;
  for (const [field, { stamp, waiting }] of known.patches) {
    const patch = oracle.find(name, stamp);
    if (patch?.intent.op !== 'patch' || !Object.hasOwn(patch.intent.fields, field)) {
      throw new Violation('S2', `${name}.${field} has the stamp ${String(stamp)} of no patch`);
    }
    const value = patch.intent.fields[field];
    if (record !== null) record[field] = value;
    else if (print({ value: waiting }) !== print({ value }))
      throw new Violation('S2', `${name}.${field} waits wrongly`);
  }
  return record;
}

function readStamps(state: ReadState): Map<string, Stamps> {
  const all = new Map<string, Stamps>();
  for (const type of types) {
    for (const record of recordsOf(state, stampTypeOf(type))) {
      const key = keyFields[type].map((_, i) => String(record[`key${i}`])).join('/');
      const { timestamp, source, sequence } = record;
      const base: Stamp | null =
        timestamp === null ? null : [Number(timestamp), String(source), Number(sequence)];
      const patches = new Map<string, { stamp: Stamp; waiting: unknown }>();
      const written: unknown = typeof record['patches'] === 'string' ? JSON.parse(record['patches']) : {};
      for (const [field, register] of Object.entries(
        written as Record<string, [number, string, number, unknown]>,
      )) {
        const [ts, from, at, waiting] = register;
        patches.set(field, { stamp: [ts, from, at], waiting });
      }
      all.set(recordName(type, key), { base, isDeleted: record['deleted'] === true, patches });
    }
  }
  return all;
}

function* recordsOf(state: ReadState, type: string): Generator<StatePlain> {
  const records = state.type(type);
  for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1)) {
    yield recordObject(state, type, o);
  }
}

/** Equal texts: equal records. Absent fields are null. */
function print(record: PlainRecord | null): string {
  if (record === null) return 'absent';
  const fields = Object.keys(record).sort();
  return fields
    .filter((field) => (record[field] ?? null) !== null)
    .map((field) => `${field}=${JSON.stringify(record[field])}`)
    .join(' ');
}
