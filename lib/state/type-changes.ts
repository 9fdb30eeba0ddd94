/** What a delta did to one type; ordinals ascending. */
export interface TypeChanges {
  /** Populated before, and now no more or with another record: read them from the state before. */
  readonly removed: Int32Array;
  /** Read them from the state after. */
  readonly added: Int32Array;
}

/** By type name; types without a section in the delta are not in it. */
export type StateChanges = ReadonlyMap<string, TypeChanges>;
