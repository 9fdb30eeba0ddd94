/**
 * Java's modified UTF-8: each UTF-16 code unit on its own, in one to three bytes; U+0000 as C0 80. Null if the bytes
 * are not of that form.
 */
export function decodeModifiedUtf8(bytes: Uint8Array, start: number, end: number): string | null {
  const units: number[] = [];
  let position = start;
  const continuation = (): number => {
    const byte = position < end ? (bytes[position++] ?? 0) : 0;
    return (byte & 0xc0) === 0x80 ? byte & 0x3f : -1;
  };
  while (position < end) {
    const first = bytes[position++] ?? 0;
    if (first < 0x80) {
      units.push(first);
      continue;
    }
    const length = (first & 0xe0) === 0xc0 ? 2 : (first & 0xf0) === 0xe0 ? 3 : 0;
    if (length === 0) return null;
    const second = continuation();
    if (second < 0) return null;
    if (length === 2) {
      units.push(((first & 0x1f) << 6) | second);
      continue;
    }
    const third = continuation();
    if (third < 0) return null;
    units.push(((first & 0x0f) << 12) | (second << 6) | third);
  }
  return stringOfUnits(units);
}

/** In chunks: one call with very many arguments overflows the stack. */
function stringOfUnits(units: readonly number[]): string {
  let text = '';
  for (let i = 0; i < units.length; i += 4096) text += String.fromCharCode(...units.slice(i, i + 4096));
  return text;
}
