import type { StateChanges } from '../../lib/blob/apply-delta.ts';
import { stampTypeOf } from '../../lib/producer/bookkeeping-schema.ts';
import { recordObject, type PlainRecord as StatePlain } from '../../lib/state/plain-record.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { type Accepted, compareStamps, type Oracle, type PlainRecord, recordName } from './oracle.ts';
import type { Stamp } from './traffic.ts';
import { Violation } from './world.ts';

const keyFields = { City: ['cityId'], Score: ['team', 'round'] } as const;
const types = ['City', 'Score'] as const;
type KeyedType = (typeof types)[number];

/** A stamp record, read without the code that wrote it. */
interface Stamps {
  readonly base: Stamp | null;
  readonly isDeleted: boolean;
  readonly patches: ReadonlyMap<string, { readonly stamp: Stamp; readonly waiting: unknown }>;
}

/**
 * The records of a chain's newest version, followed from version to version: each step reads only what its delta
 * changed. What came in is checked against the oracle as it comes.
 */
export class RecordLog {
  readonly #oracle: Oracle;
  readonly #records = new Map<string, PlainRecord>();
  readonly #stamps = new Map<string, Stamps>();

  constructor(oracle: Oracle) {
    this.#oracle = oracle;
  }

  /** The records of the newest version. */
  get records(): ReadonlyMap<string, PlainRecord> {
    return this.#records;
  }

  /** Follows one delta; `changes` null: `to` is a first version. */
  advance(from: ReadState | null, to: ReadState, changes: StateChanges | null): void {
    const touched = new Set<string>();
    for (const type of types) {
      const stampType = stampTypeOf(type);
      const removed = (of: string): Iterable<number> => changes?.get(of)?.removed ?? [];
      const added = (of: string): Iterable<number> =>
        changes === null ? populated(to, of) : (changes.get(of)?.added ?? []);
      for (const o of from === null ? [] : removed(type)) {
        const name = nameOf(type, recordObject(from as ReadState, type, o));
        this.#records.delete(name);
        touched.add(name);
      }
      for (const o of from === null ? [] : removed(stampType)) {
        const name = stampedName(type, recordObject(from as ReadState, stampType, o));
        this.#stamps.delete(name);
        touched.add(name);
      }
      for (const o of added(type)) {
        const record = recordObject(to, type, o);
        const name = nameOf(type, record);
        if (this.#records.has(name)) throw new Violation('S2', `two records of ${name}`);
        this.#records.set(name, record);
        touched.add(name);
      }
      for (const o of added(stampType)) {
        const record = recordObject(to, stampType, o);
        const name = stampedName(type, record);
        this.#stamps.set(name, stampsOf(record));
        touched.add(name);
      }
    }
    for (const name of touched) this.#requireNoPhantom(name);
  }

  /** True: the newest version, or one before it, has taken the mutation in. */
  covers({ intent, stamp }: Accepted): boolean {
    const known = this.#stamps.get(recordName(intent.type, intent.key));
    if (known === undefined) return false;
    if (known.base !== null && compareStamps(known.base, stamp) >= 0) return true;
    if (intent.op !== 'patch') return false;
    return Object.keys(intent.fields).every((field) => {
      const register = known.patches.get(field);
      return register !== undefined && compareStamps(register.stamp, stamp) >= 0;
    });
  }

  /** S2: a record is what some accepted mutations make, and its stamps say which. */
  #requireNoPhantom(name: string): void {
    const record = this.#records.get(name) ?? null;
    const known = this.#stamps.get(name);
    if (known === undefined) {
      if (record === null) return;
      throw new Violation('S2', `${name} has no stamps`);
    }
    const expected = expectedRecord(name, known, this.#oracle);
    if (isSame(record, expected)) return;
    throw new Violation('S2', `${name} is ${print(record)}, its stamps say ${print(expected)}`);
  }
}

/** All records of the data types, by name. */
export function readRecords(state: ReadState): Map<string, PlainRecord> {
  const records = new Map<string, PlainRecord>();
  for (const type of types) {
    for (const o of populated(state, type)) {
      const record = recordObject(state, type, o);
      records.set(nameOf(type, record), record);
    }
  }
  return records;
}

export function requireSameRecords(
  invariant: string,
  actual: ReadonlyMap<string, PlainRecord>,
  expected: ReadonlyMap<string, PlainRecord>,
): void {
  for (const name of new Set([...actual.keys(), ...expected.keys()])) {
    const [is, should] = [actual.get(name) ?? null, expected.get(name) ?? null];
    if (!isSame(is, should))
      throw new Violation(invariant, `${name} is ${print(is)} and should be ${print(should)}`);
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
    else if ((waiting ?? null) !== (value ?? null)) {
      throw new Violation('S2', `${name}.${field} waits wrongly`);
    }
  }
  return record;
}

function nameOf(type: KeyedType, record: StatePlain): string {
  return recordName(type, keyFields[type].map((field) => String(record[field])).join('/'));
}

function stampedName(type: KeyedType, record: StatePlain): string {
  return recordName(type, keyFields[type].map((_, i) => String(record[`key${i}`])).join('/'));
}

function stampsOf(record: StatePlain): Stamps {
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
  return { base, isDeleted: record['deleted'] === true, patches };
}

function* populated(state: ReadState, type: string): Generator<number> {
  const records = state.type(type);
  for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1)) yield o;
}

/** Absent fields are null; LONGs are bigints here and numbers there. */
function isSame(a: PlainRecord | null, b: PlainRecord | null): boolean {
  if (a === null || b === null) return a === b;
  for (const field in a) if (!isSameValue(a[field], b[field])) return false;
  for (const field in b) if (!isSameValue(a[field], b[field])) return false;
  return true;
}

function isSameValue(a: unknown, b: unknown): boolean {
  return a === b || (a ?? null) === (b ?? null);
}

function print(record: PlainRecord | null): string {
  if (record === null) return 'absent';
  const fields = Object.keys(record).sort();
  return fields
    .filter((field) => (record[field] ?? null) !== null)
    .map((field) => `${field}=${JSON.stringify(record[field])}`)
    .join(' ');
}
