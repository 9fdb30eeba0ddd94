import type { MutationMessage } from '../ports.ts';
import type { PlainObject } from '../schema/plain-object.ts';
import type { RecordKey } from '../schema/record-key.ts';

/** What becomes of one key. */
export interface PlannedKey {
  readonly type: string;
  readonly stampType: string;
  readonly key: RecordKey;
  /** Ordinals of its record and of its stamp record now; -1: there is none. */
  readonly ordinal: number;
  readonly stampOrdinal: number;
  /** The record that readers will see; null: none. */
  readonly record: PlainObject | null;
  /** Null: forgotten. */
  readonly stampRecord: PlainObject | null;
}

/** What becomes of another bookkeeping record. */
export interface PlannedRecord {
  readonly type: string;
  /** Of the record that goes; -1: none does. */
  readonly ordinal: number;
  /** The record that comes; null: none does. */
  readonly record: PlainObject | null;
}

/** A unit that is not taken in, and why. To be put where people see it before its message is acknowledged. */
export interface SetAside {
  readonly kind: 'condition' | 'late';
  readonly message: MutationMessage;
  /** Position in the message; null: all of it. */
  readonly index: number | null;
  readonly reason: string;
}
