import { BitWriter } from '../bytes/bit-writer.ts';
import type { ByteWriter } from '../bytes/byte-writer.ts';
import { hashTableSize } from '../bytes/hash.ts';
import type { ElementHash } from '../state/hash-keys.ts';
import { RecordCursor } from '../state/record-cursor.ts';
import { type MapStatistics, pointerBits } from '../state/type-statistics.ts';
import { HashBuckets } from './hash-buckets.ts';
import type { ShardEncoder, ShardSize } from './shard-encoder.ts';

/** Docs/format.md, "MAP". */
export class MapShardEncoder implements ShardEncoder {
  readonly #statistics: MapStatistics;
  readonly #pointerBits: number;
  readonly #total: number;
  readonly #pointers: BitWriter;
  readonly #entries: BitWriter;
  readonly #table: HashBuckets;
  readonly #cursor = new RecordCursor();
  #end = 0;

  constructor(statistics: MapStatistics, size: ShardSize, hash: ElementHash) {
    this.#statistics = statistics;
    this.#pointerBits = pointerBits(statistics);
    this.#total = size.total;
    this.#pointers = new BitWriter(size.recordCount * (this.#pointerBits + statistics.sizeBits));
    this.#entries = new BitWriter(size.capacity * (statistics.keyBits + statistics.valueBits));
    this.#table = new HashBuckets(hash);
  }

  addRecord(bytes: Uint8Array, start: number): void {
    const cursor = this.#cursor;
    const table = this.#table;
    cursor.open(bytes, start);
    const size = cursor.readVarInt();
    const bucketCount = hashTableSize(size);
    table.reset(bucketCount);
    for (let i = 0, key = 0; i < size; i++) {
      key += cursor.readVarInt();
      table.place(key, cursor.readVarInt());
      cursor.skipVar();
    }
    const { keyBits, valueBits } = this.#statistics;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      const key = table.keyAt(bucket);
      if (key < 0) this.#entries.appendOnes(keyBits);
      else this.#entries.append(key, keyBits);
      this.#entries.append(table.valueAt(bucket), valueBits);
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
    out.writeVarInt(this.#statistics.keyBits);
    out.writeVarInt(this.#statistics.valueBits);
    out.writeVarLong(this.#total);
    this.#pointers.writeTo(out);
    this.#entries.writeTo(out);
  }

  #addPointer(size: number): void {
    this.#pointers.appendNumber(this.#end, this.#pointerBits);
    this.#pointers.append(size, this.#statistics.sizeBits);
  }
}
