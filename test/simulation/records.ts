import { stampTypeOf } from '../../lib/producer/bookkeeping-schema.ts';
import { recordObject, type PlainRecord as StatePlain } from '../../lib/state/plain-record.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import type { StateChanges } from '../../lib/state/type-changes.ts';
import {
  type Accepted,
  compareStamps,
  nameOf as nameOfAccepted,
  type Oracle,
  type PlainRecord,
  recordName,
} from './oracle.ts';
import type { RecordType, Stamp } from './traffic.ts';
import { Violation } from './world.ts';

const keyFields = { City: ['cityId'], Score: ['team', 'round'], River: ['name'] } as const;
const types: readonly RecordType[] = ['City', 'Score', 'River'];
const ledgerType = 'OperationLedgerEntry';
const watermarkType = 'PurgeWatermark';

/** A stamp record, read without the code that wrote it. */
interface Stamps {
  readonly base: Stamp | null;
  readonly isDeleted: boolean;
  readonly patches: ReadonlyMap<string, { readonly stamp: Stamp; readonly waiting: unknown }>;
}

/** What the ledger says of an operation. */
interface Outcome {
  readonly isDone: boolean;
  readonly stamp: Stamp;
}

/** One step of a chain. `from` null: `to` is where it begins. `changes` null, and `from` not: an advance of the schema. */
export interface ChainStep {
  readonly from: ReadState | null;
  readonly to: ReadState;
  readonly changes: StateChanges | null;
}

/**
 * The records of a chain's newest version, followed from version to version: each step reads only what its delta
 * changed. What came in is checked against the oracle as it comes, and remembered when a purge forgets it.
 */
export class RecordLog {
  readonly #oracle: Oracle;
  readonly #records = new Map<string, PlainRecord>();
  readonly #stamps = new Map<string, Stamps>();
  /** The greatest stamps that were ever there, by record: of the base, and of each field. */
  readonly #greatest = new Map<string, Map<string, Stamp>>();
  /** By operation id. */
  readonly #outcomes = new Map<string, Outcome>();
  /** Increments that count, by record. */
  readonly #counted = new Map<
    string,
    { readonly stamp: Stamp; readonly amounts: Record<string, number> }[]
  >();
  /** Stamps that were ever in effect: `record stamp`. */
  readonly #effective = new Set<string>();

  #watermark = Number.NEGATIVE_INFINITY;

  readonly #recordsPinned: (pin: string) => readonly ReadonlyMap<string, PlainRecord>[];

  /** @param recordsPinned the records of every version that had a pin of this name */
  constructor(oracle: Oracle, recordsPinned: (pin: string) => readonly ReadonlyMap<string, PlainRecord>[]) {
    this.#oracle = oracle;
    this.#recordsPinned = recordsPinned;
  }

  /** The records of the newest version. */
  get records(): ReadonlyMap<string, PlainRecord> {
    return this.#records;
  }

  /** Greatest that it ever was; what has a stamp up to it may be late. */
  get watermark(): number {
    return this.#watermark;
  }

  advance(step: ChainStep): void {
    if (step.from !== null && step.changes === null)
      return requireSameRecords('S13', readRecords(step.to), this.#records);
    for (const o of addedOf(step.to, step.changes, watermarkType))
      this.#watermark = Math.max(
        this.#watermark,
        Number(recordObject(step.to, watermarkType, o)['timestamp']),
      );
    const before = { records: new Earlier(this.#records), stamps: new Earlier(this.#stamps) };
    const touched = new Set<string>();
    const fresh: Accepted[] = [];
    this.#readLedger(step, touched, fresh);
    for (const type of types) this.#readType(type, step, { touched, fresh, before });
    for (const name of touched) this.#requireNoPhantom(name);
    for (const accepted of fresh) {
      if (accepted.isAtomic) this.#requireWhole(accepted);
      this.#requireCondition(accepted, before);
    }
  }

  /**
   * True: the newest version, or one before it, has taken the mutation in. An atomic message that was sent twice is in
   * when one of the two is: it is known again by the operations in it.
   */
  covers(accepted: Accepted): boolean {
    return this.#coversOne(accepted) || (accepted.isAtomic && this.#coversCopy(accepted));
  }

  #coversCopy({ messageId }: Accepted): boolean {
    const mutations = this.#oracle.mutationsOf(messageId);
    const isKnown = mutations.some(({ opId }) => opId !== null && this.#outcomes.get(opId)?.isDone === true);
    return isKnown && this.#hasWholeCopy(messageId);
  }

  #hasWholeCopy(messageId: string): boolean {
    return this.#oracle
      .copiesOf(messageId)
      .some(
        (copy) => copy !== messageId && this.#oracle.mutationsOf(copy).every((part) => this.#coversOne(part)),
      );
  }

  #coversOne(accepted: Accepted): boolean {
    const { intent, stamp, opId } = accepted;
    if (opId !== null && this.#outcomes.get(opId)?.isDone === true) return true;
    const greatest = this.#greatest.get(nameOfAccepted(accepted));
    if (greatest === undefined) return false;
    // A condition is never superseded: it holds or it fails.
    if (opId !== null && intent.op !== 'increment') return false;
    if (isAtLeast(greatest.get(baseName), stamp)) return true;
    return (
      intent.op === 'patch' &&
      Object.keys(intent.fields).every((field) => isAtLeast(greatest.get(field), stamp))
    );
  }

  /** The ledger says that its condition failed. */
  hasFailed({ opId }: Accepted): boolean {
    return opId !== null && this.#outcomes.get(opId)?.isDone === false;
  }

  /** Its very stamp was in effect once, or the ledger says that it was done under this stamp. */
  wasEffective({ intent, stamp, opId }: Accepted): boolean {
    const outcome = opId === null ? undefined : this.#outcomes.get(opId);
    if (outcome !== undefined) return outcome.isDone && compareStamps(outcome.stamp, stamp) === 0;
    return opId === null && this.#effective.has(effect(recordName(intent.type, intent.key), stamp));
  }

  #readType(
    type: RecordType,
    { from, to, changes }: ChainStep,
    {
      touched,
      fresh,
      before,
    }: { readonly touched: Set<string>; readonly fresh: Accepted[]; readonly before: Before },
  ): void {
    const stampType = stampTypeOf(type);
    const touch = (name: string): void => {
      before.records.keep(name);
      before.stamps.keep(name);
      touched.add(name);
    };
    for (const o of removedOf(changes, type)) {
      const name = nameOf(type, recordObject(from as ReadState, type, o));
      touch(name);
      this.#records.delete(name);
    }
    for (const o of removedOf(changes, stampType)) {
      const name = stampedName(type, recordObject(from as ReadState, stampType, o));
      touch(name);
      this.#stamps.delete(name);
    }
    for (const o of addedOf(to, changes, type)) {
      const record = recordObject(to, type, o);
      const name = nameOf(type, record);
      if (this.#records.has(name)) throw new Violation('S2', `two records of ${name}`);
      touch(name);
      this.#records.set(name, record);
    }
    for (const o of addedOf(to, changes, stampType)) {
      const record = recordObject(to, stampType, o);
      const name = stampedName(type, record);
      const stamps = stampsOf(record);
      touch(name);
      this.#stamps.set(name, stamps);
      if (stamps.base !== null) this.#see(name, baseName, stamps.base, fresh);
      for (const [field, { stamp }] of stamps.patches) this.#see(name, field, stamp, fresh);
    }
  }

  /** A stamp is in effect. */
  #see(name: string, field: string, stamp: Stamp, fresh: Accepted[]): void {
    let greatest = this.#greatest.get(name);
    if (greatest === undefined) {
      greatest = new Map();
      this.#greatest.set(name, greatest);
    }
    if (!isAtLeast(greatest.get(field), stamp)) greatest.set(field, stamp);
    const known = effect(name, stamp);
    if (this.#effective.has(known)) return;
    this.#effective.add(known);
    fresh.push(...this.#oracle.find(name, stamp).filter(({ opId }) => opId === null));
  }

  /** S3: an operation is entered once, for good, and only one that was sent. */
  #readLedger({ to, changes }: ChainStep, touched: Set<string>, fresh: Accepted[]): void {
    for (const o of addedOf(to, changes, ledgerType)) {
      const { opId, timestamp, source, sequence, failure = null } = recordObject(to, ledgerType, o);
      const stamp: Stamp = [Number(timestamp), String(source), Number(sequence)];
      const sent = this.#oracle
        .operation(String(opId))
        .find((each) => compareStamps(each.stamp, stamp) === 0);
      if (sent === undefined) throw new Violation('S2', `the ledger has ${String(opId)}, which nobody sent`);
      if (this.#outcomes.has(String(opId)))
        throw new Violation('S3', `operation ${String(opId)} happened twice`);
      this.#outcomes.set(String(opId), { isDone: failure === null, stamp });
      if (failure !== null) continue;
      const name = nameOfAccepted(sent);
      touched.add(name);
      fresh.push(sent);
      if (sent.intent.op !== 'increment') continue;
      const counted = this.#counted.get(name) ?? [];
      counted.push({ stamp, amounts: sent.intent.fields });
      this.#counted.set(name, counted);
    }
  }

  /** S2: a record is what some accepted mutations make, and its stamps say which. */
  #requireNoPhantom(name: string): void {
    const record = this.#records.get(name) ?? null;
    const known = this.#stamps.get(name);
    if (known === undefined) {
      if (record === null) return;
      throw new Violation('S2', `${name} has no stamps`);
    }
    if (known.base !== null && this.#oracle.find(name, known.base).length === 0)
      this.#requireRevert(name, record, known);
    const expected = this.#expectedRecord(name, known);
    if (isSame(record, expected)) return;
    throw new Violation('S2', `${name} is ${print(record)}, its stamps say ${print(expected)}`);
  }

  /**
   * What no message says, a rollback does: then the record is what it was in a version with that pin, with what is newer than
   * the rollback on top. (A sender whose clock is ahead is newer, although it came before.)
   */
  #requireRevert(name: string, record: PlainRecord | null, known: Stamps): void {
    const stamp = known.base;
    const pin = stamp === null ? undefined : /^rollback-([a-z]+)-/.exec(stamp[1])?.[1];
    if (stamp === null || pin === undefined) return;
    // Several versions may have had a pin of that name, some with the record and some without.
    const was = this.#recordsPinned(pin)
      .map((records) => records.get(name) ?? null)
      .filter((each) => (each === null) === (record === null));
    const reverted = was.find((each) => isSame(this.#withLater(name, known, each), record));
    if (reverted === undefined)
      throw new Violation('S2', `${name} is ${print(record)}, which it never was under the pin ${pin}`);
    this.#oracle.addRevert(name, stamp, reverted);
  }

  #expectedRecord(name: string, known: Stamps): PlainRecord | null {
    const base = known.base === null ? null : this.#setter(name, known.base);
    if (base !== null && (base.intent.op === 'delete') !== known.isDeleted) {
      throw new Violation('S2', `${name} has the stamp ${String(known.base)} of another mutation`);
    }
    return this.#withLater(name, known, base?.intent.op === 'upsert' ? base.intent.fields : null);
  }

  /** What an upsert or a deletion leaves, with the patches and increments that are in effect on top of it. */
  #withLater(name: string, known: Stamps, base: PlainRecord | null): PlainRecord | null {
    const record: Record<string, unknown> | null = base === null ? null : { ...base };
    for (const [field, { stamp, waiting }] of known.patches) {
      const { intent } = this.#setter(name, stamp);
      if (intent.op !== 'patch' || !Object.hasOwn(intent.fields, field)) {
        throw new Violation('S2', `${name}.${field} has the stamp ${String(stamp)} of no patch`);
      }
      const value = intent.fields[field];
      if (record !== null) record[field] = value;
      else if ((waiting ?? null) !== (value ?? null))
        throw new Violation('S2', `${name}.${field} waits wrongly`);
    }
    if (record === null) return null;
    for (const { stamp, amounts } of this.#counted.get(name) ?? []) {
      for (const [field, amount] of Object.entries(amounts)) {
        const setter = known.patches.get(field)?.stamp ?? known.base ?? undefined;
        if (!isAtLeast(setter, stamp)) record[field] = Number(record[field] ?? 0) + amount;
      }
    }
    return record;
  }

  #setter(name: string, stamp: Stamp): Accepted {
    const found = this.#oracle.find(name, stamp).find(({ intent }) => intent.op !== 'increment');
    if (found === undefined)
      throw new Violation('S2', `${name} has the stamp ${String(stamp)} of no mutation`);
    return found;
  }

  /** S9: with a part of an atomic message comes all of it. */
  #requireWhole({ messageId }: Accepted): void {
    const parts = this.#oracle.mutationsOf(messageId);
    const missing = parts.find((part) => !this.#coversOne(part));
    // One that was sent twice under the same stamps need be in once.
    if (missing === undefined || this.#hasWholeCopy(messageId)) return;
    throw new Violation('S9', `a part of ${messageId} is in, mutation ${missing.index} is not`);
  }

  /** S2: what was done only if it was absent was absent, or a deletion came with the same commit. */
  #requireCondition(accepted: Accepted, before: Before): void {
    const { intent, stamp } = accepted;
    if (intent.op === 'increment' || intent.condition !== 'absent') return;
    const name = nameOfAccepted(accepted);
    if (before.records.get(name) === undefined) return;
    const base = before.stamps.get(name)?.base ?? undefined;
    const mayBeDeleted = this.#oracle
      .ofRecord(name)
      .some(
        (other) =>
          other.intent.op === 'delete' && !isAtLeast(base, other.stamp) && isAtLeast(stamp, other.stamp),
      );
    if (mayBeDeleted) return;
    throw new Violation('S2', `${name} was there, and ${accepted.opId} was done although it was not to be`);
  }
}

/** As it was before the step. */
interface Before {
  readonly records: Earlier<PlainRecord>;
  readonly stamps: Earlier<Stamps>;
}

/** A map as it was: what is about to change is kept, all else is still there. */
class Earlier<T> {
  readonly #now: ReadonlyMap<string, T>;
  readonly #kept = new Map<string, T | undefined>();

  constructor(now: ReadonlyMap<string, T>) {
    this.#now = now;
  }

  /** To be called before each change. */
  keep(name: string): void {
    if (!this.#kept.has(name)) this.#kept.set(name, this.#now.get(name));
  }

  get(name: string): T | undefined {
    return this.#kept.has(name) ? this.#kept.get(name) : this.#now.get(name);
  }
}

/** Stands for the base among the names of fields. */
const baseName = '';

function effect(name: string, stamp: Stamp): string {
  return `${name} ${stamp.join(' ')}`;
}

function isAtLeast(known: Stamp | undefined, stamp: Stamp): boolean {
  return known !== undefined && compareStamps(known, stamp) >= 0;
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

function nameOf(type: RecordType, record: StatePlain): string {
  return recordName(type, keyFields[type].map((field) => String(record[field])).join('/'));
}

function stampedName(type: RecordType, record: StatePlain): string {
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
    // The one without a name is of the greatest increment.
    if (field !== '') patches.set(field, { stamp: [ts, from, at], waiting });
  }
  return { base, isDeleted: record['deleted'] === true, patches };
}

function removedOf(changes: StateChanges | null, type: string): Iterable<number> {
  return changes?.get(type)?.removed ?? [];
}

function addedOf(state: ReadState, changes: StateChanges | null, type: string): Iterable<number> {
  return changes === null ? populated(state, type) : (changes.get(type)?.added ?? []);
}

function* populated(state: ReadState, type: string): Generator<number> {
  // The old schema does not have it.
  if (!state.typeNames.includes(type)) return;
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
