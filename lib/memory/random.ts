import type { Random } from '../ports.ts';

/**
 * Reproducible draws: sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state. Statistically sound, not secret.
 *
 * @example new SeededRandom(42).uniform() // the same number on every machine
 */
export class SeededRandom implements Random {
  readonly #state: Uint32Array;

  constructor(seed: number) {
    this.#state = Uint32Array.of(0x9e3779b9, Math.floor(seed / 2 ** 32), seed, 1);
    for (let round = 0; round < 15; round++) this.#next(); // mixes the seed into all of the state
  }

  uniform(): number {
    const high = this.#next() >>> 5;
    const low = this.#next() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  bytes(size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at++) bytes[at] = this.#next() >>> 24;
    return bytes;
  }

  #next(): number {
    const [a = 0, b = 0, c = 0, counter = 0] = this.#state;
    const result = (a + b + counter) >>> 0;
    this.#state[0] = b ^ (b >>> 9);
    this.#state[1] = c + (c << 3);
    this.#state[2] = ((c << 21) | (c >>> 11)) + result;
    this.#state[3] = counter + 1;
    return result;
  }
}
