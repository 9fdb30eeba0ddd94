import { ByteWriter } from '../bytes/byte-writer.ts';
import { murmur3 } from '../bytes/hash.ts';
import { hexOfInt32 } from '../hex.ts';
import type { ReadState } from './read-state.ts';
import type { StateChanges } from './type-changes.ts';

/**
 * 128 bits that two states share iff they hold the same records at the same ordinals (by all but design: it finds
 * damage and mistakes, it is no proof against forgery). The sum, lane by lane modulo 2^32, of the hashes of all
 * (type name, ordinal, canonical record bytes): so it does not depend on any order, and a delta updates it in time that
 * grows with the delta.
 */
export type StateHash = readonly [number, number, number, number];

const zero: StateHash = [0, 0, 0, 0];

/** The hash of those types for which `includes` is true. Takes a pass over all their records. */
export function hashState(state: ReadState, includes: (type: string) => boolean): StateHash {
  const sum = new HashSum(zero);
  for (const name of state.typeNames) {
    if (!includes(name)) continue;
    const type = state.type(name);
    const seed = seedOf(name);
    for (let o = type.nextPopulated(0); o >= 0; o = type.nextPopulated(o + 1)) {
      const record = sum.begin();
      type.writeRecord(o, record);
      sum.add(seed, o, 1);
    }
  }
  return sum.result();
}

/** The hash of `to`, given the hash of `from` and what a delta changed between them. */
export function updateHash(
  hash: StateHash,
  from: ReadState,
  to: ReadState,
  changes: StateChanges,
  includes: (type: string) => boolean,
): StateHash {
  const sum = new HashSum(hash);
  for (const [name, { removed, added }] of changes) {
    if (!includes(name)) continue;
    const seed = seedOf(name);
    const before = from.type(name);
    const after = to.type(name);
    for (const ordinal of removed) {
      before.writeRecord(ordinal, sum.begin());
      sum.add(seed, ordinal, -1);
    }
    for (const ordinal of added) {
      after.writeRecord(ordinal, sum.begin());
      sum.add(seed, ordinal, 1);
    }
  }
  return sum.result();
}

/** 32 lower-case hex digits. */
export function toHex(hash: StateHash): string {
  return hexOfInt32(hash[0]) + hexOfInt32(hash[1]) + hexOfInt32(hash[2]) + hexOfInt32(hash[3]);
}

/** The opposite; `text` is what {@link toHex} made. */
export function fromHex(text: string): StateHash {
  const lane = (index: number): number => Number.parseInt(text.slice(index * 8, index * 8 + 8), 16);
  return [lane(0), lane(1), lane(2), lane(3)];
}

/** First size of the buffer below. */
const scratchSizeMin = 1024;

/** One buffer for whatever is hashed: nothing else runs while a record is in it. */
let scratch = new ByteWriter(scratchSizeMin);
/** Of the buffer's bytes, which are replaced when it grows. */
let viewedBytes = scratch.bytes;
let view = new DataView(viewedBytes.buffer);

/** More room than this is not kept for the next hash. */
const scratchSizeMax = 65_536;

function takeScratch(): ByteWriter {
  if (scratch.bytes.length > scratchSizeMax) scratch = new ByteWriter(scratchSizeMin);
  scratch.reset();
  return scratch;
}

function seedOf(typeName: string): number {
  const name = takeScratch();
  name.writeUnits(typeName);
  return murmur3(name.bytes, 0, name.position);
}

/** Adds up hashes of records. */
class HashSum {
  #record = scratch;
  readonly #lanes = new Uint32Array(4);

  constructor(start: StateHash) {
    for (let lane = 0; lane < 4; lane++) this.#lanes[lane] = start[lane] as number;
  }

  /** The empty buffer for the next record. */
  begin(): ByteWriter {
    this.#record = takeScratch();
    return this.#record;
  }

  add(seed: number, ordinal: number, sign: 1 | -1): void {
    const size = this.#record.position;
    this.#record.reserve(blockSize);
    const { bytes } = this.#record;
    if (bytes !== viewedBytes) {
      viewedBytes = bytes;
      view = new DataView(bytes.buffer);
    }
    // Whole blocks are read: those behind the end count as 0.
    for (let i = size; i % blockSize !== 0; i++) bytes[i] = 0;
    addHash(this.#lanes, view, size, { seed, ordinal, sign });
  }

  result(): StateHash {
    const [a = 0, b = 0, c = 0, d = 0] = this.#lanes;
    return [a, b, c, d];
  }
}

const c1 = 0x239b_961b;
const c2 = 0xab0e_9789;
const c3 = 0x38b3_4ae5;
const c4 = 0xa1e3_8b93;

const blockSize = 16;

interface HashedRecord {
  readonly seed: number;
  readonly ordinal: number;
  readonly sign: 1 | -1;
}

/** MurmurHash3 x86 128-bit of the record's bytes, seeded with type and ordinal, times `sign`. Guarded by test/bench. */
function addHash(
  lanes: Uint32Array,
  blocks: DataView,
  size: number,
  { seed, ordinal, sign }: HashedRecord,
): void {
  let h1 = seed;
  let h2 = ordinal;
  let h3 = Math.imul(seed, c3);
  let h4 = Math.imul(ordinal, c1);
  for (let i = 0; i < size; i += blockSize) {
    h1 ^= Math.imul(rotate(Math.imul(blocks.getInt32(i, true), c1), 15), c2);
    h1 = (Math.imul((rotate(h1, 19) + h2) | 0, 5) + 0x561c_cd1b) | 0;
    h2 ^= Math.imul(rotate(Math.imul(blocks.getInt32(i + 4, true), c2), 16), c3);
    h2 = (Math.imul((rotate(h2, 17) + h3) | 0, 5) + 0x0bca_a747) | 0;
    h3 ^= Math.imul(rotate(Math.imul(blocks.getInt32(i + 8, true), c3), 17), c4);
    h3 = (Math.imul((rotate(h3, 15) + h4) | 0, 5) + 0x96cd_1c35) | 0;
    h4 ^= Math.imul(rotate(Math.imul(blocks.getInt32(i + 12, true), c4), 18), c1);
    h4 = (Math.imul((rotate(h4, 13) + h1) | 0, 5) + 0x32ac_3b17) | 0;
  }
  h1 ^= size;
  h2 ^= size;
  h3 ^= size;
  h4 ^= size;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = finish((h2 + h1) | 0);
  h3 = finish((h3 + h1) | 0);
  h4 = finish((h4 + h1) | 0);
  h1 = (finish(h1) + h2 + h3 + h4) | 0;
  // Typed array elements wrap around at 32 bits.
  lanes[0] = (lanes[0] as number) + sign * h1;
  lanes[1] = (lanes[1] as number) + sign * ((h2 + h1) | 0);
  lanes[2] = (lanes[2] as number) + sign * ((h3 + h1) | 0);
  lanes[3] = (lanes[3] as number) + sign * ((h4 + h1) | 0);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function finish(value: number): number {
  let h = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}
