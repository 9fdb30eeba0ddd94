import { DatasetError } from '../errors.ts';

/** Deeper nesting is no data. */
const depthMax = 256;

/** More records than one value of a sound dataset holds. */
const visitsMax = 2 ** 22;

/**
 * Bounds how deep and how far records are followed for one value: a damaged blob can make records that lead to
 * themselves, once or many times each.
 */
export class NestingBound {
  #depth = 0;
  #visits = 0;

  /** @throws DatasetError `corrupt` when it goes too far */
  enter(type: string): void {
    this.#depth++;
    this.#visits++;
    if (this.#depth <= depthMax && this.#visits <= visitsMax) return;
    const problem =
      this.#depth > depthMax ? `are nested more than ${depthMax} deep` : `hold more than ${visitsMax} others`;
    throw new DatasetError('corrupt', `records of '${type}' ${problem}`, { type });
  }

  /** Not called after an error: a bound that was exceeded is thrown away. */
  leave(): void {
    this.#depth--;
  }
}
