import type { FieldKind } from '../schema/schema.ts';

/**
 * Reads canonical record bytes (docs/format.md, "Record bytes"). No checks: these bytes were written by a type state or
 * a record writer of this process. One cursor is reused for many records, so hot loops allocate nothing.
 */
export class RecordCursor {
  bytes: Uint8Array = new Uint8Array(0);
  position = 0;
  /** Halves of the last {@link readVarLong}. */
  high = 0;
  low = 0;

  open(bytes: Uint8Array, position: number): void {
    this.bytes = bytes;
    this.position = position;
  }

  /** True if a null is next; it is then read. */
  readNull(): boolean {
    if (this.bytes[this.position] !== 0x80) return false;
    this.position++;
    return true;
  }

  /** An unsigned 32-bit number. */
  readVarInt(): number {
    const bytes = this.bytes;
    let byte = bytes[this.position++] as number;
    let value = byte & 0x7f;
    while (byte >= 0x80) {
      byte = bytes[this.position++] as number;
      value = (value << 7) | (byte & 0x7f);
    }
    return value >>> 0;
  }

  /** Leaves an unsigned 64-bit number in `high` and `low`. */
  readVarLong(): void {
    const bytes = this.bytes;
    let byte = bytes[this.position++] as number;
    let low = byte & 0x7f;
    let high = 0;
    while (byte >= 0x80) {
      byte = bytes[this.position++] as number;
      high = (high << 7) | (low >>> 25);
      low = (low << 7) | (byte & 0x7f);
    }
    this.high = high >>> 0;
    this.low = low >>> 0;
  }

  readInt32(): number {
    const bytes = this.bytes;
    const at = this.position;
    this.position = at + 4;
    return (
      (((bytes[at] as number) << 24) |
        ((bytes[at + 1] as number) << 16) |
        ((bytes[at + 2] as number) << 8) |
        (bytes[at + 3] as number)) >>>
      0
    );
  }

  /** Passes over a length and that many bytes. */
  skipSized(): void {
    const size = this.readVarInt();
    this.position += size;
  }

  skipVar(): void {
    while ((this.bytes[this.position++] as number) >= 0x80);
  }

  skipField(kind: FieldKind): void {
    if (kind === 'FLOAT') this.position += 4;
    else if (kind === 'DOUBLE') this.position += 8;
    else if (this.readNull()) return;
    else if (kind === 'STRING' || kind === 'BYTES') this.skipSized();
    else this.skipVar();
  }
}
