import { BitWriter } from '../bytes/bit-writer.ts';
import type { ByteWriter } from '../bytes/byte-writer.ts';
import { hashTableSize } from '../bytes/hash.ts';
import type { ElementHash } from '../state/hash-keys.ts';
import { RecordCursor } from '../state/record-cursor.ts';
import { pointerBits, type SetStatistics } from '../state/type-statistics.ts';
import { HashBuckets } from './hash-buckets.ts';
import type { ShardEncoder, ShardSize } from './shard-encoder.ts';

/** Docs/format.md, "SET". */
export class SetShardEncoder implements ShardEncoder {
  readonly #statistics: SetStatistics;
  readonly #pointerBits: number;
  readonly #total: number;
  readonly #pointers: BitWriter;
  readonly #buckets: BitWriter;
  readonly #table: HashBuckets;
  readonly #cursor = new RecordCursor();
  #end = 0;

  constructor(statistics: SetStatistics, size: ShardSize, hash: ElementHash) {
    this.#statistics = statistics;
    this.#pointerBits = pointerBits(statistics);
    this.#total = size.total;
    this.#pointers = new BitWriter(size.recordCount * (this.#pointerBits + statistics.sizeBits));
    this.#buckets = new BitWriter(size.capacity * statistics.elementBits);
    this.#table = new HashBuckets(hash);
  }

  addRecord(bytes: Uint8Array, start: number): void {
    const cursor = this.#cursor;
    const table = this.#table;
    cursor.open(bytes, start);
    const size = cursor.readVarInt();
    const bucketCount = hashTableSize(size);
    table.reset(bucketCount);
    for (let i = 0, element = 0; i < size; i++) {
      element += cursor.readVarInt();
      cursor.skipVar();
      table.place(element, 0);
    }
    const { elementBits } = this.#statistics;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      const element = table.keyAt(bucket);
      if (element < 0) this.#buckets.appendOnes(elementBits);
      else this.#buckets.append(element, elementBits);
    }
    this.#end += bucketCount;
    this.#addPointer(size);
  }

  addHole(): void {
    this.#addPointer(0);
  }

  writeTo(out: ByteWriter): void {
    out.writeVarInt(this.#pointerBits);
    out.writeVarInt(this.#statistics.sizeBits);
    out.writeVarInt(this.#statistics.elementBits);
    out.writeVarLong(this.#total);
    this.#pointers.writeTo(out);
    this.#buckets.writeTo(out);
  }

  #addPointer(size: number): void {
    this.#pointers.appendNumber(this.#end, this.#pointerBits);
    this.#pointers.append(size, this.#statistics.sizeBits);
  }
}
