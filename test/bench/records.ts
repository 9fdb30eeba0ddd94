import type { ObjectTypeState } from '../../lib/state/object-type-state.ts';

/** What the peers have to know of a dataset: its records, their key, and what is read of them. */
export interface Records<Item> {
  readonly type: string;
  readonly fields: ReadFields;
  /** The key of the record at a position from 0 to the count; of random positions look-ups are made. */
  keyAt(position: number): number;
  /** Not in a process that is measured, unless by {@link Peer.prepare}. */
  all(count: number): Iterable<Item>;
  keyOf(item: Item): number;
  /** A number, and the lengths of two strings. */
  sumOfThree(item: Item): number;
  /** Two numbers. */
  sumOfTwo(item: Item): number;
  /** These two, one more, and the lengths of two strings. */
  sumOfFive(item: Item): number;
  /** In SQL: the columns, those that `keyOf` and `sumOfThree` need, and a record's values in the order of the first. */
  readonly table: string;
  readonly columnsOfThree: string;
  row(item: Item): readonly (string | number | null)[];
}

/** The same fields by name, for the engines. */
interface ReadFields {
  /** INT. Read by all but the plain look-up. */
  readonly number: string;
  /** With `number`: three fields. */
  readonly text: string;
  readonly shared: string;
  /** INT. With `number`: the two of the first scan. */
  readonly secondNumber: string;
  /** With those two: of the second scan, where `text` is read too. */
  readonly secondText: string;
  readonly third: {
    readonly name: string;
    read(records: ObjectTypeState, field: number): (o: number) => number;
  };
}
