/** Where a peer finds its files, and how many records there are. */
export interface Dataset {
  readonly directory: string;
  readonly count: number;
}

/**
 * What a peer can do, each timed by the caller. Sums are returned so that nothing can be optimized away, and compared
 * among peers so that all do the same.
 */
export interface Peer {
  /** Writes its own files, once, not timed. */
  prepare(dataset: Dataset): Promise<void>;
  /** From files in the page cache to being able to answer, index excluded if it is a step of its own. */
  load(dataset: Dataset): void | Promise<void>;
  /** @param isLazy as an application has it after it loaded a snapshot: if it is built by look-ups, then so */
  index?(isLazy: boolean): void;
  /** From nothing to a record, over a store on this machine; what of the snapshot is held against the head. */
  consumerStart?(dataset: Dataset, verify: 'bytes' | 'records'): Promise<number>;
  /** Random existing ids; the sum of something found. */
  lookUp(times: number, count: number): number;
  /**
   * As lookUp, and of each: a number, the lengths of two strings (of products: price, title, currency).
   *
   * @param isChained which record is next depends on what was read: no processor can begin with it before
   */
  lookUpFields(times: number, count: number, isChained: boolean): number;
  /** Two numbers of all (price and categoryId). */
  scanFixed?(): number;
  /** Those, one more (active), and the lengths of two strings (sku and title), of all. */
  scanStrings?(): number;
  /** The delta of revision 1, indexes included. */
  apply?(dataset: Dataset): void;
  /** A new dataset of `count` products, and its snapshot into the directory; ns, without those in which products are made. */
  write?(dataset: Dataset): number;
  /** Before {@link mutate}, not timed: 10,000 messages with an upsert each, and what the last ones did. */
  receive?(dataset: Dataset, revision: number): Promise<void>;
  /** From these messages to the delta. */
  mutate?(): number;
  /** How many times longer look-ups take with 24 deltas of 1 % on top. */
  deltas?(): number;
  /** How long the delta of 1 % takes that has layers and index folded, in ns. */
  fold?(): number;
  /** The same 10,000 changes applied to a tenth of the products and to all: how many times longer the second takes. */
  scale?(dataset: Dataset): number;
  /** Look-ups by two worker threads in the loaded state: how many times more than by one. */
  workers?(dataset: Dataset): Promise<number>;
  /** A cycle that changes every hundredth of the products written; the delta stays in memory. Ns, as of {@link write}. */
  change?(revision: number): number;
  /** As {@link change}, with all that Java's incremental producer does in a cycle. */
  produceChanges?(revision: number): number;
}
