import { decodeUnits, isAscii } from '../bytes/code-units.ts';
import { asciiText } from '../bytes/platform.ts';
import { DatasetError } from '../errors.ts';
import {
  type PackedField,
  requireRange,
  type TextBlock,
  type TextBlocks,
  varEndOrNull,
  varStart,
} from './packed-field.ts';

/** Bytes of a block. */
const blockShift = 14;
const blockSize = 1 << blockShift;

/** A block that is not ASCII has each of its texts for itself, and may come to take so many times the room. */
const wideRooms = 4;

/** Once it is full, one in so many texts that are not there brings its block in: the others cost no more than without a cache. */
const admitEvery = 512;

const bytesMax = 2 ** 33;

/** From here on places in a field's bytes are no int32. */
const farBytes = 0x8000_0000;

/**
 * Text that was read before, so that it need not be built again: up to a fixed size of it, for all STRING fields of a dataset
 * together. What it holds are blocks of 16 KiB of a field's bytes, decoded as one string, of which a text is a part: the engine
 * makes that without a copy, in a fourth of the time. When it is full, the block that has been there longest goes.
 *
 * The bytes of a layer never change, so blocks stay right across deltas, and there is nothing to clear. A text that somebody
 * holds keeps its block alive. Of one thread: strings cannot be shared. Guarded by test/bench (lookUpFields, ours-cached).
 *
 * @example
 * const cached = state.withStringCache(new StringCache(16 * 2 ** 20));
 */
export class StringCache {
  /** Rooms for a block each: whose it is, and which of them. */
  readonly #owners: (TextBlocks | null)[];
  readonly #indexes: Int32Array;
  /** The room that is filled next. */
  #next = 0;
  #isFull = false;
  #missCount = 0;

  /**
   * @param bytes from 16,384 to 2^33, of text; what holds it adds a hundredth to that
   * @throws DatasetError `invalid`: not such a number
   */
  constructor(bytes: number) {
    if (!(Number.isInteger(bytes) && bytes >= blockSize && bytes <= bytesMax)) {
      throw new DatasetError('invalid', `a string cache has ${blockSize} to ${bytesMax} bytes, not ${bytes}`);
    }
    const rooms = Math.floor(bytes / blockSize);
    this.#owners = new Array<TextBlocks | null>(rooms).fill(null);
    this.#indexes = new Int32Array(rooms);
  }

  /** The text of a STRING field, as readText builds it. */
  read(field: PackedField, record: number): string | null {
    const end = varEndOrNull(field, record);
    if (end < 0) return null;
    const start = varStart(field, record);
    requireRange(field, start, end);
    const index = start >>> blockShift;
    const from = index << blockShift;
    const { blocks } = field;
    if (blocks === null || end - from > blockSize) return this.#readOther(field, start, end);
    const block = blocks[index];
    if (typeof block === 'string') return block.substring(start - from, end - from);
    return block === undefined ? this.#readOther(field, start, end) : wideText(block, field, start, end);
  }

  /** What is in no block here: its block is decoded, if it is to have one. */
  #readOther(field: PackedField, start: number, end: number): string {
    const { data } = field;
    const index = start >>> blockShift;
    const from = index * blockSize;
    const isWhole = end - from <= blockSize && data.length < farBytes;
    if (!isWhole || (this.#isFull && ++this.#missCount % admitEvery !== 0))
      return decodeUnits(data, start, end);
    const block = decodeBlock(data, from, Math.min(from + blockSize, data.length));
    field.blocks ??= new Array<TextBlock | undefined>(Math.ceil(data.length / blockSize)).fill(undefined);
    this.#put(field.blocks, index, block);
    return typeof block === 'string'
      ? block.substring(start - from, end - from)
      : wideText(block, field, start, end);
  }

  #put(blocks: TextBlocks, index: number, block: TextBlock): void {
    const rooms = Math.min(typeof block === 'string' ? 1 : wideRooms, this.#owners.length);
    for (let i = 0; i < rooms; i++) {
      const owner = this.#owners[this.#next];
      if (owner) owner[this.#indexes[this.#next] as number] = undefined;
      this.#owners[this.#next] = blocks;
      this.#indexes[this.#next] = index;
      this.#next++;
      if (this.#next < this.#owners.length) continue;
      this.#next = 0;
      this.#isFull = true;
    }
    blocks[index] = block;
  }
}

function decodeBlock(data: Uint8Array, start: number, end: number): TextBlock {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  return isAscii(view, start, end) ? asciiText(data, start, end) : new Map();
}

function wideText(texts: Map<number, string>, { data }: PackedField, start: number, end: number): string {
  let text = texts.get(start);
  // An empty text has the place of the one behind it.
  if (text === undefined || start === end) {
    text = decodeUnits(data, start, end);
    if (start !== end) texts.set(start, text);
  }
  return text;
}
