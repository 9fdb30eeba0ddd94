/**
 * Which operations have been taken in, with what came of them: an increment must not count twice, and a condition that
 * failed once has failed, whatever the record is like when the message comes again. Entries are records of the state,
 * written in the very commit that has the effect; a purge removes them, and from then on an operation that old is late.
 */
import type { LoadedState } from '../consumer/loaded-version.ts';
import { DatasetError } from '../errors.ts';
import type { Amounts } from '../schema/amounts.ts';
import { isPlainObject, type PlainObject } from '../schema/plain-object.ts';
import type { RecordKey } from '../schema/record-key.ts';
import { recordObject } from '../state/plain-record.ts';
import { ledgerType } from './bookkeeping-schema.ts';
import type { Step } from './mutations.ts';
import type { OrderStamp } from './order-stamp.ts';
import { printCanonical, readStamp } from './stamp-record.ts';

export interface LedgerEntry {
  readonly opId: string;
  readonly stamp: OrderStamp;
  /** {@link targetOf} its record. */
  readonly target: string;
  /** What it added; null: it is no increment, or it did nothing. */
  readonly amounts: Amounts | null;
  /** Why it did nothing; null: it did. */
  readonly failure: string | null;
}

/** One increment of a record. */
export type Count = Pick<LedgerEntry, 'stamp'> & { readonly amounts: Amounts };

/** Names one record of a dataset. */
export function targetOf(type: string, key: RecordKey): string {
  return `${type} ${key.text}`;
}

export function entryOf({ mutation, opId }: Step & { opId: string }, failure: string | null): LedgerEntry {
  const { op, type, key, stamp } = mutation;
  const amounts = op === 'increment' && failure === null ? mutation.fields : null;
  return { opId, stamp, target: targetOf(type, key), amounts, failure };
}

/** The record of an entry; canonical. */
export function ledgerRecordOf({ opId, stamp, target, amounts, failure }: LedgerEntry): PlainObject {
  const { timestamp, source, sequence } = stamp;
  const printed = amounts === null ? null : printCanonical(amounts);
  return { opId, timestamp, source, sequence, target, amounts: printed, failure };
}

/** The ledger of one version, for reading. */
export class Ledger {
  readonly #base: LoadedState;
  /** By target, ordinals of the increments. */
  #counts: ReadonlyMap<string, readonly number[]> | null = null;

  constructor(base: LoadedState) {
    this.#base = base;
  }

  find(opId: string): LedgerEntry | null {
    const ordinal = this.#base.indexes.get(ledgerType)?.find(opId) ?? -1;
    return ordinal === -1 ? null : this.#read(ordinal);
  }

  /**
   * Every increment of a record that was not purged. Rarely asked for (only for something that is older than an
   * increment and came after it), so it is worth a pass over the ledger, and not an index.
   */
  countsOf(target: string): readonly Count[] {
    this.#counts ??= this.#groupCounts();
    return (this.#counts.get(target) ?? []).flatMap((ordinal) => {
      const { stamp, amounts } = this.#read(ordinal);
      return amounts === null ? [] : [{ stamp, amounts }];
    });
  }

  #groupCounts(): ReadonlyMap<string, readonly number[]> {
    const records = this.#base.state.objectType(ledgerType);
    const byTarget = new Map<string, number[]>();
    for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1)) {
      const { amounts, target } = this.#read(o);
      if (amounts === null) continue;
      const ordinals = byTarget.get(target);
      if (ordinals === undefined) byTarget.set(target, [o]);
      else ordinals.push(o);
    }
    return byTarget;
  }

  #read(ordinal: number): LedgerEntry {
    const record = recordObject(this.#base.state, ledgerType, ordinal);
    const { opId, target, amounts = null, failure = null } = record;
    const stamp = readStamp(record);
    if (typeof opId !== 'string' || typeof target !== 'string' || stamp === null) throw corrupt();
    if (failure !== null && typeof failure !== 'string') throw corrupt();
    return { opId, stamp, target, amounts: readAmounts(amounts), failure };
  }
}

function readAmounts(text: unknown): Amounts | null {
  if (text === null) return null;
  const parsed: unknown = typeof text === 'string' ? JSON.parse(text) : null;
  if (!isPlainObject(parsed)) throw corrupt();
  return Object.fromEntries(Object.entries(parsed).map(([field, amount]) => [field, Number(amount)]));
}

function corrupt(): DatasetError {
  return new DatasetError('corrupt', 'bookkeeping: an entry of the operation ledger is not readable');
}
