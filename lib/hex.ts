const digitsOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
);

/** Lower-case hex digits, two a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += digitsOfByte[byte] ?? '';
  return text;
}

/** The eight digits of a number of 32 bits. */
export function hexOfInt32(value: number): string {
  const digits = (shift: number): string => digitsOfByte[(value >>> shift) & 0xff] ?? '';
  return digits(24) + digits(16) + digits(8) + digits(0);
}

/** The bytes of an even number of hex digits; the caller has checked that they are. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = (digitAt(text, at * 2) << 4) | digitAt(text, at * 2 + 1);
  }
  return bytes;
}

function digitAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  // 0 to 9 are 0x30 to 0x39; letters, of either case, are 1 to 6 in their low bits.
  return unit <= 0x39 ? unit - 0x30 : (unit & 7) + 9;
}
