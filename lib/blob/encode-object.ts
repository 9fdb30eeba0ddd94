import { BitWriter } from '../bytes/bit-writer.ts';
import { ByteWriter } from '../bytes/byte-writer.ts';
import type { FieldKind, ObjectSchema } from '../schema/schema.ts';
import { RecordCursor } from '../state/record-cursor.ts';
import type { ObjectStatistics } from '../state/type-statistics.ts';
import { sum } from '../sum.ts';
import type { ShardEncoder, ShardSize } from './shard-encoder.ts';

/** Docs/format.md, "OBJECT". */
export class ObjectShardEncoder implements ShardEncoder {
  readonly #kinds: readonly FieldKind[];
  readonly #fieldBits: readonly number[];
  readonly #records: BitWriter;
  /** Bytes of the STRING and BYTES fields; null for the other kinds. */
  readonly #varData: readonly (ByteWriter | null)[];
  readonly #cursor = new RecordCursor();

  constructor(schema: ObjectSchema, { fieldBits, varTotals }: ObjectStatistics, size: ShardSize) {
    this.#kinds = schema.fields.map((field) => field.kind);
    this.#fieldBits = fieldBits;
    this.#records = new BitWriter(size.recordCount * sum(fieldBits));
    const share = (2 * size.varSizeExpected) / this.#kinds.filter(isVariable).length;
    this.#varData = this.#kinds.map((kind, field) =>
      isVariable(kind) ? new ByteWriter(Math.ceil(Math.min(varTotals[field] as number, share))) : null,
    );
  }

  addRecord(bytes: Uint8Array, start: number): void {
    const cursor = this.#cursor;
    const kinds = this.#kinds;
    const records = this.#records;
    cursor.open(bytes, start);
    for (let field = 0; field < kinds.length; field++) {
      const bits = this.#fieldBits[field] as number;
      switch (kinds[field]) {
        case 'INT':
        case 'REFERENCE':
          if (cursor.readNull()) records.appendOnes(bits);
          else records.append(cursor.readVarInt(), bits);
          break;
        case 'LONG':
          if (cursor.readNull()) records.appendOnes(bits);
          else this.#addLong(bits);
          break;
        case 'BOOLEAN':
          // 0, 1, or the null byte, whose image is 3.
          records.append(cursor.readNull() ? 3 : cursor.readVarInt(), bits);
          break;
        case 'FLOAT':
          records.append(cursor.readInt32(), bits);
          break;
        case 'DOUBLE':
          this.#addDouble(bits);
          break;
        default:
          this.#addVariable(this.#varData[field] as ByteWriter, bits);
      }
    }
  }

  addHole(): void {
    for (let field = 0; field < this.#fieldBits.length; field++) {
      const bits = this.#fieldBits[field] as number;
      const data = this.#varData[field] as ByteWriter | null;
      if (data === null) this.#records.skip(bits);
      else this.#records.appendNumber(data.position, bits);
    }
  }

  writeTo(out: ByteWriter): void {
    for (const bits of this.#fieldBits) out.writeVarInt(bits);
    this.#records.writeTo(out);
    for (const data of this.#varData) {
      if (data === null) {
        out.writeVarInt(0);
      } else {
        out.writeVarLong(data.position);
        out.writeBytes(data.bytes, 0, data.position);
      }
    }
  }

  #addLong(bits: number): void {
    this.#cursor.readVarLong();
    this.#records.appendBits(this.#cursor.high, this.#cursor.low, bits);
  }

  #addDouble(bits: number): void {
    const high = this.#cursor.readInt32();
    this.#records.appendBits(high, this.#cursor.readInt32(), bits);
  }

  /** The end of the value in the field's data, and in the top bit whether it is null. */
  #addVariable(data: ByteWriter, bits: number): void {
    const cursor = this.#cursor;
    const isNull = cursor.readNull();
    if (!isNull) {
      const size = cursor.readVarInt();
      data.writeBytes(cursor.bytes, cursor.position, cursor.position + size);
      cursor.position += size;
    }
    this.#records.appendNumber(data.position, bits - 1);
    this.#records.append(isNull ? 1 : 0, 1);
  }
}

function isVariable(kind: FieldKind): boolean {
  return kind === 'STRING' || kind === 'BYTES';
}
