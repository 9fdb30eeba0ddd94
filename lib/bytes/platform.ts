/**
 * The one file below `consumer` that looks at the platform: where Node's Buffer is there (detected, never imported) two
 * bulk operations use it, else the plain forms below do the same.
 */

/** The part of Node's Buffer that is used here. */
interface NodeBuffer {
  from(buffer: ArrayBufferLike, byteOffset: number, length: number): { swap64(): unknown };
  readonly prototype: {
    latin1Slice(this: Uint8Array, start: number, end: number): string;
    ucs2Slice(this: Uint8Array, start: number, end: number): string;
  };
}

function isNodeBuffer(value: unknown): value is NodeBuffer {
  return typeof value === 'function' && 'from' in value && 'latin1Slice' in value.prototype;
}

const candidate: unknown = 'Buffer' in globalThis ? Reflect.get(globalThis, 'Buffer') : undefined;
const nodeBuffer: NodeBuffer | null = isNodeBuffer(candidate) ? candidate : null;
/** Of this machine's numbers. */
export const isLittleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** Up to here a plain loop beats the three views that the bulk operation takes. */
const fewWords = 16;

/**
 * Turns `wordCount` big-endian 64-bit words at `bytes[offset]` into their 32-bit halves, low half first, at the start
 * of `target`.
 */
export function copyWords(bytes: Uint8Array, offset: number, wordCount: number, target: Uint32Array): void {
  if (wordCount <= fewWords) {
    copyFewWords(bytes, offset, wordCount, target);
  } else if (nodeBuffer !== null && isLittleEndian) {
    const size = wordCount * 8;
    new Uint8Array(target.buffer, target.byteOffset, size).set(bytes.subarray(offset, offset + size));
    nodeBuffer.from(target.buffer, target.byteOffset, size).swap64();
  } else {
    copyWordsPlain(bytes, offset, wordCount, target);
  }
}

function copyFewWords(bytes: Uint8Array, offset: number, wordCount: number, target: Uint32Array): void {
  for (let word = 0, at = offset; word < wordCount; word++, at += 8) {
    target[word * 2 + 1] = int32At(bytes, at);
    target[word * 2] = int32At(bytes, at + 4);
  }
}

/** The big-endian number at an offset that is known to be good. */
export function int32At(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}

/** The other way: writes halves, low half first, as big-endian 64-bit words to `bytes[offset]`. */
export function placeWords(halves: Uint32Array, bytes: Uint8Array, offset: number): void {
  const size = halves.length * 4;
  if (halves.length <= fewWords * 2 || nodeBuffer === null || !isLittleEndian) {
    placeWordsPlain(halves, bytes, offset);
  } else {
    bytes.set(new Uint8Array(halves.buffer, halves.byteOffset, size), offset);
    nodeBuffer.from(bytes.buffer, bytes.byteOffset + offset, size).swap64();
  }
}

/** {@link placeWords} without Buffer, on any byte order. Exported for its test. */
export function placeWordsPlain(halves: Uint32Array, bytes: Uint8Array, offset: number): void {
  for (let i = 0, at = offset; i < halves.length; i += 2, at += 8) {
    placeInt32(halves[i + 1] as number, bytes, at);
    placeInt32(halves[i] as number, bytes, at + 4);
  }
}

function placeInt32(value: number, bytes: Uint8Array, at: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Words within bytes, and the room around them. */
interface WordPlace {
  readonly start: number;
  readonly size: number;
  /** The bytes from here on to `start` may be written over. */
  readonly from: number;
  /** Of the result, in halves: may reach beyond the words. */
  readonly length: number;
}

/**
 * What {@link copyWords} makes, in place: the words move down to the next aligned address and are turned there. Null if
 * that is not possible: no room before or behind, no Buffer.
 */
export function alignWords(bytes: Uint8Array, { start, size, from, length }: WordPlace): Uint32Array | null {
  const target = start - ((bytes.byteOffset + start) & 7);
  if (nodeBuffer === null || !isLittleEndian || target < from || target + length * 4 > bytes.length)
    return null;
  bytes.copyWithin(target, start, start + size);
  nodeBuffer.from(bytes.buffer, bytes.byteOffset + target, size).swap64();
  return new Uint32Array(bytes.buffer, bytes.byteOffset + target, length);
}

/** {@link copyWords} without Buffer, on any byte order. Exported for its test. */
export function copyWordsPlain(
  bytes: Uint8Array,
  offset: number,
  wordCount: number,
  target: Uint32Array,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, wordCount * 8);
  for (let word = 0; word < wordCount; word++) {
    target[word * 2] = view.getUint32(word * 8 + 4);
    target[word * 2 + 1] = view.getUint32(word * 8);
  }
}

/** The text of bytes that are all below 0x80. */
export function asciiText(bytes: Uint8Array, start: number, end: number): string {
  return nodeBuffer === null
    ? asciiTextPlain(bytes, start, end)
    : nodeBuffer.prototype.latin1Slice.call(bytes, start, end);
}

/** {@link asciiText} without Buffer. Exported for its test. */
export function asciiTextPlain(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i += 4096) {
    text += String.fromCharCode(...bytes.subarray(i, Math.min(i + 4096, end)));
  }
  return text;
}

/** The string of these UTF-16 code units. */
export function unitsText(units: Uint16Array): string {
  if (nodeBuffer === null || !isLittleEndian) return unitsTextPlain(units);
  const bytes = new Uint8Array(units.buffer, units.byteOffset, units.byteLength);
  return nodeBuffer.prototype.ucs2Slice.call(bytes, 0, bytes.length);
}

/** {@link unitsText} without Buffer, on any byte order. Exported for its test. */
export function unitsTextPlain(units: Uint16Array): string {
  let text = '';
  for (let i = 0; i < units.length; i += 4096) text += String.fromCharCode(...units.subarray(i, i + 4096));
  return text;
}
