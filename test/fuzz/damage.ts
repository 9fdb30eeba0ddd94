/** Ways to damage a blob. All of them follow from a seeded random, so that a find can be repeated. */
import { SeededRandom } from '../../lib/memory/random.ts';

export interface Draw {
  /** An integer in [0, bound). */
  below(bound: number): number;
  of<T>(choices: readonly T[]): T;
}

export function drawOf(seed: number): Draw {
  const random = new SeededRandom(seed);
  const below = (bound: number) => Math.floor(random.uniform() * bound);
  return { below, of: (choices) => choices[below(choices.length)] as never };
}

/** Var-ints and fixed numbers that lie: negative, 2^31 - 1, 2^29 - 1 and above, 2^53, too long, null. */
const lies = [
  [0x80],
  [0xff, 0xff, 0xff, 0xff, 0x7f],
  [0x8f, 0xff, 0xff, 0xff, 0x7f],
  [0x87, 0xff, 0xff, 0xff, 0x7f],
  [0x81, 0xff, 0xff, 0xff, 0x7f],
  [0x82, 0x80, 0x80, 0x80, 0x00],
  [0x84, 0x80, 0x00],
  [0xff, 0x7f],
  [0x8f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x7f, 0xff, 0xff, 0xff],
  [0x80, 0x00, 0x00, 0x00],
  [0x00, 0x00, 0x00, 0x00],
  [0x7f, 0xff],
] as const;

const kinds = [
  'flip',
  'set',
  'cut',
  'lie',
  'lieOver',
  'drop',
  'repeat',
  'splice',
  'graft',
  'swap',
  'nudge',
] as const;

/** Snapshots are mostly padding: most hits go to where something stands. */
function position(bytes: Uint8Array, draw: Draw): number {
  for (let attempt = 0; attempt < 8; attempt++) {
    const at = draw.below(bytes.length + 1);
    if (bytes[at] !== 0 || bytes[at + 1] !== 0) return at;
  }
  return draw.below(bytes.length + 1);
}

/** `bytes` without what lies between `start` and `end`, but with `middle` there. */
function replaced(bytes: Uint8Array, start: number, end: number, middle: ArrayLike<number>): Uint8Array {
  const before = bytes.subarray(0, start);
  const after = bytes.subarray(Math.max(start, end));
  const result = new Uint8Array(before.length + middle.length + after.length);
  result.set(before);
  result.set(middle, before.length);
  result.set(after, before.length + middle.length);
  return result;
}

/** Damages a copy, once. */
function hit(bytes: Uint8Array, donor: Uint8Array, draw: Draw): Uint8Array {
  const at = position(bytes, draw);
  const size = 1 + draw.below(draw.of([1, 4, 32, 400]));
  const byte = bytes[at] ?? 0;
  switch (draw.of(kinds)) {
    case 'flip':
      return replaced(bytes, at, at + 1, [byte ^ (1 << draw.below(8))]);
    case 'set':
      return replaced(bytes, at, at + 1, [draw.below(256)]);
    case 'nudge':
      return replaced(bytes, at, at + 1, [byte + draw.of([-2, -1, 1, 2, 64, 128])]);
    case 'cut':
      return bytes.slice(0, at);
    case 'lie':
      return replaced(bytes, at, at + 1, draw.of(lies));
    case 'lieOver': {
      const lie = draw.of(lies);
      return replaced(bytes, at, at + lie.length, lie);
    }
    case 'drop':
      return replaced(bytes, at, at + size, []);
    case 'repeat':
      return replaced(bytes, at, at, bytes.slice(at, at + size));
    case 'splice': {
      const from = position(donor, draw);
      return replaced(bytes, at, at + size, donor.slice(from, from + size));
    }
    case 'graft':
      // The front of one blob, the rest of another: tags and schemas of one, sections of the other.
      return replaced(bytes, at, bytes.length, donor.subarray(Math.min(position(donor, draw), donor.length)));
    case 'swap': {
      const other = position(bytes, draw);
      return replaced(bytes, at, at + size, bytes.slice(other, other + size));
    }
  }
}

export function damaged(bytes: Uint8Array, donor: Uint8Array, draw: Draw): Uint8Array {
  let result = bytes;
  for (let hits = draw.of([1, 1, 1, 2, 3, 6]); hits > 0; hits--) result = hit(result, donor, draw);
  return result;
}
