import { BitWriter } from '../bytes/bit-writer.ts';
import type { ByteWriter } from '../bytes/byte-writer.ts';
import { RecordCursor } from '../state/record-cursor.ts';
import { type ListStatistics, pointerBits } from '../state/type-statistics.ts';
import type { ShardEncoder, ShardSize } from './shard-encoder.ts';

/** Docs/format.md, "LIST". */
export class ListShardEncoder implements ShardEncoder {
  readonly #pointerBits: number;
  readonly #elementBits: number;
  readonly #total: number;
  readonly #pointers: BitWriter;
  readonly #elements: BitWriter;
  readonly #cursor = new RecordCursor();
  #end = 0;

  constructor(statistics: ListStatistics, size: ShardSize) {
    this.#pointerBits = pointerBits(statistics);
    this.#elementBits = statistics.elementBits;
    this.#total = size.total;
    this.#pointers = new BitWriter(size.recordCount * this.#pointerBits);
    this.#elements = new BitWriter(size.capacity * this.#elementBits);
  }

  addRecord(bytes: Uint8Array, start: number): void {
    const cursor = this.#cursor;
    cursor.open(bytes, start);
    const size = cursor.readVarInt();
    for (let i = 0; i < size; i++) this.#elements.append(cursor.readVarInt(), this.#elementBits);
    this.#end += size;
    this.addHole();
  }

  addHole(): void {
    this.#pointers.appendNumber(this.#end, this.#pointerBits);
  }

  writeTo(out: ByteWriter): void {
    out.writeVarInt(this.#pointerBits);
    out.writeVarInt(this.#elementBits);
    out.writeVarLong(this.#total);
    this.#pointers.writeTo(out);
    this.#elements.writeTo(out);
  }
}
