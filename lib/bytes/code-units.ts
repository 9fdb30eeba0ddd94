import { asciiText } from './platform.ts';

/**
 * Strings as Hollow stores them: one var-int per UTF-16 code unit (docs/format.md, "OBJECT"), so ASCII is one byte each.
 */

/** Up to so many bytes a call with as many arguments beats the one into the runtime: 210 ns against 280 at 24, in no cache. */
const shortMax = 28;

/** Arguments for a text of each size. */
const units = Array.from({ length: shortMax + 1 }, (_, size) => new Array<number>(size).fill(0));

/** The text of `bytes[start, end)`. Damaged input gives some text, never an error. */
export function decodeUnits(bytes: Uint8Array, start: number, end: number): string {
  const size = end - start;
  if (size > shortMax) return decodeLong(bytes, start, end);
  if (size <= 8) return decodeShort(bytes, start, end);
  const args = units[size] as number[];
  let seen = 0;
  for (let i = 0; i < size; i++) {
    const byte = bytes[start + i] as number;
    args[i] = byte;
    seen |= byte;
  }
  return seen < 0x80 ? f.apply(null, args) : decodeWideUnits(bytes, start, end);
}

function decodeShort(bytes: Uint8Array, start: number, end: number): string {
  let seen = 0;
  for (let i = start; i < end; i++) seen |= bytes[i] as number;
  return seen < 0x80 ? shortText(bytes, start, end - start) : decodeWideUnits(bytes, start, end);
}

function decodeLong(bytes: Uint8Array, start: number, end: number): string {
  let seen = 0;
  for (let i = start; i < end; i++) seen |= bytes[i] as number;
  return seen < 0x80 ? asciiText(bytes, start, end) : decodeWideUnits(bytes, start, end);
}

/** Are all of `bytes[start, end)`, which `view` views, below 0x80? */
export function isAscii(view: DataView, start: number, end: number): boolean {
  let seen = 0;
  let i = start;
  for (; i + 4 <= end; i += 4) seen |= view.getInt32(i);
  for (; i < end; i++) seen |= view.getUint8(i);
  return (seen & 0x8080_8080) === 0;
}

const f = String.fromCharCode;

/** Calls of a fixed number of arguments build the string in one go. */
function shortText(b: Uint8Array, i: number, size: number): string {
  switch (size) {
    case 1:
      return f(b[i] as number);
    case 2:
      return f(b[i] as number, b[i + 1] as number);
    case 3:
      return f(b[i] as number, b[i + 1] as number, b[i + 2] as number);
    case 4:
      return f(b[i] as number, b[i + 1] as number, b[i + 2] as number, b[i + 3] as number);
    case 5:
      return f(
        b[i] as number,
        b[i + 1] as number,
        b[i + 2] as number,
        b[i + 3] as number,
        b[i + 4] as number,
      );
    case 6:
      return f(
        b[i] as number,
        b[i + 1] as number,
        b[i + 2] as number,
        b[i + 3] as number,
        b[i + 4] as number,
        b[i + 5] as number,
      );
    case 7:
      return f(
        b[i] as number,
        b[i + 1] as number,
        b[i + 2] as number,
        b[i + 3] as number,
        b[i + 4] as number,
        b[i + 5] as number,
        b[i + 6] as number,
      );
    case 8:
      return f(
        b[i] as number,
        b[i + 1] as number,
        b[i + 2] as number,
        b[i + 3] as number,
        b[i + 4] as number,
        b[i + 5] as number,
        b[i + 6] as number,
        b[i + 7] as number,
      );
    default:
      return '';
  }
}

function decodeWideUnits(bytes: Uint8Array, start: number, end: number): string {
  let count = 0;
  for (let i = start; i < end; i++) if ((bytes[i] as number) < 0x80) count++;
  if (count > shortMax) return decodeLongWideUnits(bytes, start, end);
  const args = units[count] as number[];
  let next = 0;
  let unit = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    unit = ((unit << 7) | (byte & 0x7f)) & 0xffff;
    if (byte >= 0x80) continue;
    args[next++] = unit;
    unit = 0;
  }
  return f.apply(null, args);
}

function decodeLongWideUnits(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  const units: number[] = [];
  let unit = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    unit = ((unit << 7) | (byte & 0x7f)) & 0xffff;
    if (byte >= 0x80) continue;
    units.push(unit);
    unit = 0;
    // In chunks: one call with very many arguments overflows the stack.
    if (units.length === 1024) text += String.fromCharCode(...units.splice(0));
  }
  return text + String.fromCharCode(...units);
}

/** True iff `bytes[start, end)` are the stored form of `text`. Builds no string. */
export function unitsEqual(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  const length = text.length;
  if (end - start < length) return false;
  let at = start;
  for (let i = 0; i < length; i++) {
    let byte = at < end ? (bytes[at++] as number) : -1;
    let unit = byte & 0x7f;
    while (byte >= 0x80) {
      byte = at < end ? (bytes[at++] as number) : -1;
      unit = (unit << 7) | (byte & 0x7f);
    }
    if (byte < 0 || unit !== text.charCodeAt(i)) return false;
  }
  return at === end;
}

/** Java's String.hashCode of the stored text. */
export function unitsHash(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0;
  let unit = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    unit = (unit << 7) | (byte & 0x7f);
    if (byte >= 0x80) continue;
    hash = (Math.imul(hash, 31) + unit) | 0;
    unit = 0;
  }
  return hash;
}

/** Java's String.hashCode: {@link unitsHash} of a text that is not stored. */
export function textHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}
