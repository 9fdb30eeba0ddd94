import type { Random } from '../ports.ts';

/**
 * Reproducible draws: sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state. Statistically sound, not secret.
 *
 * @example new SeededRandom(42).uniform() // the same number on every machine
 */
export class SeededRandom implements Random {
  #a = 0x9e3779b9 | 0;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#b = Math.floor(seed / 2 ** 32) | 0;
    this.#c = seed | 0;
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
    const c = this.#c;
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (c + (c << 3)) | 0;
    this.#c = (((c << 21) | (c >>> 11)) + result) | 0;
    this.#counter = (this.#counter + 1) | 0;
    return result;
  }
}
