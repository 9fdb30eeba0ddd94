import type { AnyDataset } from '../schema/builder.ts';
import type { FirstStep, InputOf, KeyedNameOf, KeyPathsOf } from '../schema/record-of.ts';

/** Decides which of several mutations of one key wins: the greatest by time, then source, then sequence. */
export interface Order {
  /** Epoch ms. */
  readonly timestamp: number;
  /** If two timestamps are equal, the source that sorts later wins. */
  readonly source: string;
  readonly sequence: number;
}

/** Only if the upsert, patch or increment with this order stamp was the last to change the record. */
export interface IfVersion {
  readonly ifVersion: Order;
}

/** Only if there is no record with this key. */
export interface IfAbsent {
  readonly ifAbsent: true;
}

interface Common<Op extends string, Name> {
  readonly op: Op;
  readonly type: Name;
  /** Default: the time when the queue took the message, the message's id, and the position in it. */
  readonly order?: Order;
}

interface Conditional<Condition> {
  /** What must hold at the commit; otherwise the mutation goes to quarantine. */
  readonly condition?: Condition;
  /** Names the mutation, so that it has one outcome however often it comes. Default: message id and position. */
  readonly opId?: string;
}

/** The record becomes `value`. Fields that `value` does not name become null. */
export interface UpsertInput<D extends AnyDataset, Name extends KeyedNameOf<D>>
  extends Common<'upsert', Name>,
    Conditional<IfAbsent | IfVersion> {
  readonly value: InputOf<D, Name>;
}

/** The fields of a record without those of its key. */
type OtherFields<D extends AnyDataset, Name extends KeyedNameOf<D>> = Omit<
  InputOf<D, Name>,
  FirstStep<keyof KeyPathsOf<D, Name>>
>;

/** Sets some fields. If there is no record, the patch waits for one. */
export interface PatchInput<D extends AnyDataset, Name extends KeyedNameOf<D>>
  extends Common<'patch', Name>,
    Conditional<IfVersion> {
  readonly key: KeyPathsOf<D, Name>;
  readonly fields: OtherFields<D, Name>;
}

export interface DeleteInput<D extends AnyDataset, Name extends KeyedNameOf<D>>
  extends Common<'delete', Name>,
    Conditional<IfVersion> {
  readonly key: KeyPathsOf<D, Name>;
}

/** By field, what an increment adds; only fields of numbers. */
export type AmountsOf<D extends AnyDataset, Name extends KeyedNameOf<D>> = {
  readonly [F in keyof OtherFields<D, Name> as number extends NonNullable<OtherFields<D, Name>[F]>
    ? F
    : never]?: number;
};

/** Adds to some fields, once however often it comes. If there is no record, it waits for one. */
export interface IncrementInput<D extends AnyDataset, Name extends KeyedNameOf<D>>
  extends Common<'increment', Name> {
  readonly key: KeyPathsOf<D, Name>;
  readonly fields: AmountsOf<D, Name>;
  /** Names the increment, so that it counts once. Default: message id and position; a message that is sent twice has two ids. */
  readonly opId?: string;
}

/** A mutation of one of the keyed types of a dataset. */
export type MutationInput<D extends AnyDataset> = {
  [Name in KeyedNameOf<D>]:
    | UpsertInput<D, Name>
    | PatchInput<D, Name>
    | DeleteInput<D, Name>
    | IncrementInput<D, Name>;
}[KeyedNameOf<D>];

/** As the compiler's types say, without following them. */
export interface AnyMutation extends Common<'upsert' | 'patch' | 'delete' | 'increment', string> {
  readonly value?: unknown;
  readonly key?: unknown;
  readonly fields?: unknown;
  readonly condition?: unknown;
  readonly opId?: string;
}
