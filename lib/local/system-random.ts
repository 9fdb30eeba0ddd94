import { randomBytes, randomInt } from 'node:crypto';
import type { Random } from '../ports.ts';

const resolution = 2 ** 48 - 1; // the widest range of randomInt

/** Cryptographically strong draws. */
export const systemRandom: Random = {
  uniform: () => randomInt(resolution) / resolution,
  bytes: (size) => new Uint8Array(randomBytes(size)),
};
