import { readBits } from '../bytes/bit-reader.ts';
import { decodeUnits, isAscii } from '../bytes/code-units.ts';
import { asciiText } from '../bytes/platform.ts';
import { DatasetError } from '../errors.ts';
import {
  type PackedField,
  requireRange,
  type TextBlock,
  type TextBlocks,
  varEnd,
  varEndOrNull,
  varStart,
} from './packed-field.ts';
import { WideBlock } from './wide-block.ts';

/**
 * Bytes of a block. What leads to a text is the head of its block: of so few blocks, all heads stay in the processor's caches.
 * And strings of so many bytes are kept by Node outside of the heap that its collector goes through.
 */
const blockShift = 20;
const blockSize = 1 << blockShift;

/** Decoding a block takes a millisecond, so only one in so many texts that are not there brings its block in. */
const admitEvery = 64;
/** The same when one that is in use has to go for it: what is not there costs hardly more than without a cache. */
const replaceEvery = 32_768;

const bytesMax = 2 ** 33;

/** From here on places in a field's bytes are no int32. */
const farBytes = 0x8000_0000;

/**
 * Text that was read before, so that it need not be built again: up to a fixed size of it, for all STRING fields of a dataset
 * together. What it holds are blocks of 1 MiB of a field's bytes, decoded as one string, of which a text is a part: the engine
 * makes that without a copy, in a fraction of the time. When it is full, the block that has been there longest goes.
 *
 * The bytes of a layer never change, so blocks stay right across deltas, and there is nothing to clear: they are the layer's, and
 * go with it. A text that somebody holds keeps its block alive. Of one thread: strings cannot be shared. Guarded by test/bench (lookUpFields, ours-cached).
 *
 * @example
 * const cached = state.withStringCache(new StringCache(16 * 2 ** 20));
 */
export class StringCache {
  readonly #bytesMax: number;
  #bytes = 0;
  /** Oldest first. */
  readonly #places: BlockPlace[] = [];
  #isFull = false;
  #missCount = 0;

  /**
   * @param bytes from 2^20 to 2^33, of text
   * @throws DatasetError `invalid`: not such a number
   */
  constructor(bytes: number) {
    if (!(Number.isInteger(bytes) && bytes >= blockSize && bytes <= bytesMax)) {
      throw new DatasetError('invalid', `a string cache has ${blockSize} to ${bytesMax} bytes, not ${bytes}`);
    }
    this.#bytesMax = bytes;
  }

  /** The text of a STRING field, as readText builds it. */
  read(field: PackedField, record: number): string | null {
    const text = this.find(field, record);
    return text === undefined ? this.#readOther(field, varStart(field, record), varEnd(field, record)) : text;
  }

  /** Undefined: its block is not here. */
  find(field: PackedField, record: number): string | null | undefined {
    if (hasShortEnds(field)) return cachedText(field, record);
    const end = varEndOrNull(field, record);
    return end < 0 ? null : textInBlock(field, varStart(field, record), end);
  }

  /** What is in no block here: its block is decoded, if it is to have one. */
  #readOther(field: PackedField, start: number, end: number): string {
    const { data } = field;
    const index = start >>> blockShift;
    const from = index * blockSize;
    const isWhole = end - from <= blockSize && data.length < farBytes;
    if (!isWhole || ++this.#missCount % admitEvery !== 0 || !this.#hasPlace())
      return decodeUnits(data, start, end);
    const block = decodeBlock(data, from, Math.min(from + blockSize, data.length));
    field.blocks ??= new Array<TextBlock | undefined>(Math.ceil(data.length / blockSize)).fill(undefined);
    this.#put(block, field.blocks, index);
    return block.slice(start - from, end - from);
  }

  /** True also where the oldest block's layer is gone, as after a fold: that block is of no use. */
  #hasPlace(): boolean {
    const [oldest] = this.#places;
    return !this.#isFull || this.#missCount % replaceEvery === 0 || oldest?.blocks.deref() === undefined;
  }

  #put(block: TextBlock, blocks: TextBlocks, index: number): void {
    const size = typeof block === 'string' ? block.length : block.size;
    this.#isFull ||= this.#bytes + size > this.#bytesMax;
    if (size > this.#bytesMax) return;
    this.#bytes += size;
    while (this.#bytes > this.#bytesMax) {
      const oldest = this.#places.shift() as BlockPlace;
      const its = oldest.blocks.deref();
      if (its !== undefined) its[oldest.index] = undefined;
      this.#bytes -= oldest.size;
    }
    this.#places.push({ blocks: new WeakRef(blocks), index, size });
    blocks[index] = block;
  }
}

/** A record's end and null bit are one read, as {@link cachedText} takes them. */
export function hasShortEnds(field: PackedField | null): boolean {
  return field !== null && field.nullBit !== 0;
}

/**
 * The text of a STRING field with {@link hasShortEnds short ends}, if its block is in a cache; undefined: it is not. All on the
 * way to it is here, and not in calls that an engine may not inline.
 */
export function cachedText(field: PackedField, record: number): string | null | undefined {
  const { bits, stride, mask } = field;
  const position = record * stride + field.offset;
  const raw = readBits(bits, position, -1);
  if ((raw & field.nullBit) !== 0) return null;
  const start = record === 0 ? 0 : readBits(bits, position - stride, mask);
  return textInBlock(field, start, raw & mask);
}

function textInBlock(field: PackedField, start: number, end: number): string | undefined {
  requireRange(field, start, end);
  const { blocks } = field;
  if (blocks === null) return undefined;
  const index = start >>> blockShift;
  const from = index << blockShift;
  const block = blocks[index];
  if (block === undefined || end - from > blockSize) return undefined;
  return typeof block === 'string'
    ? block.substring(start - from, end - from)
    : block.slice(start - from, end - from);
}

/** Where a block is kept: in the field that it is of. */
interface BlockPlace {
  readonly blocks: WeakRef<TextBlocks>;
  readonly index: number;
  /** In bytes. */
  readonly size: number;
}

function decodeBlock(data: Uint8Array, start: number, end: number): TextBlock {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  return isAscii(view, start, end) ? asciiText(data, start, end) : WideBlock.of(data, start, end);
}
