import type { ObjectTypeState } from '../state/object-type-state.ts';
import type { ReadState } from '../state/read-state.ts';
import type { KeyState } from './join.ts';
import { oldestStamp } from './order-stamp.ts';

/**
 * Looks at single fields of a type's order stamps, for the question that most mutations end with: is this newer than
 * all that is known? Nothing else of the stamp, and nothing of the record, is read then.
 */
export class StampFields {
  readonly #records: ObjectTypeState;
  readonly #timestamp: number;
  readonly #patches: number;

  /** @param stampType of bookkeeping-schema.ts */
  constructor(state: ReadState, stampType: string) {
    const { fields } = state.schema.getObject(stampType);
    this.#records = state.objectType(stampType);
    this.#timestamp = fields.findIndex(({ name }) => name === 'timestamp');
    this.#patches = fields.findIndex(({ name }) => name === 'patches');
  }

  /**
   * The change is an upsert or delete later than all that the stamp record tells of, and so all there is to know of the
   * key. False may also mean that it takes a closer look.
   *
   * @param ordinal of the stamp record; -1: there is none
   */
  isSurelyOlder(ordinal: number, { base, patches, countedTo }: KeyState): boolean {
    if (base === null || patches.size > 0 || countedTo !== null) return false;
    if (ordinal < 0) return base.stamp.timestamp > oldestStamp.timestamp;
    // NaN, of a stamp that only knows patches, is not less than anything.
    const known = this.#records.readLongNumber(ordinal, this.#timestamp);
    return known < base.stamp.timestamp && this.#records.isNull(ordinal, this.#patches);
  }
}
