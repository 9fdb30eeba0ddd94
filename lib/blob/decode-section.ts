import { BitSet } from '../bytes/bit-set.ts';
import type { ByteReader } from '../bytes/byte-reader.ts';
import { copyWords } from '../bytes/platform.ts';
import type { Schema } from '../schema/schema.ts';
import { ordinalMax } from '../state/ordinals.ts';
import { shardCountMax } from '../state/shard-plan.ts';
import { readSchema } from './decode-schema.ts';

export interface SectionHeader {
  readonly schema: Schema;
  readonly shardCount: number;
}

export function readSectionHeader(reader: ByteReader): SectionHeader {
  const schema = readSchema(reader);
  const at = reader.position;
  let shardCount = 1;
  // 0 is what writers before 2.1.0 left here: one shard, and nothing follows.
  if (reader.readVarInt(`shards of ${schema.name}`) !== 0) {
    reader.skip(
      reader.readCount('size of unknown section fields', reader.remaining),
      'unknown section fields',
    );
    shardCount = reader.readVarInt(`shards of ${schema.name}`);
  }
  // A shard takes more than one byte: a small blob cannot ask for many.
  const max = Math.min(shardCountMax, Math.max(1, reader.remaining));
  if (shardCount < 1 || (shardCount & (shardCount - 1)) !== 0 || shardCount > max) {
    throw reader.corrupt(`shards of ${schema.name}`, `${shardCount} is not a possible number`, at);
  }
  return { schema, shardCount };
}

/** A greatest ordinal; -1: there is none. */
export function readMaxOrdinal(reader: ByteReader, what: string): number {
  const at = reader.position;
  const maxOrdinal = reader.readVarInt(what);
  if (maxOrdinal < -1 || maxOrdinal > ordinalMax) {
    throw reader.corrupt(what, `${maxOrdinal} is not within -1..${ordinalMax}`, at);
  }
  return maxOrdinal;
}

/** The populated ordinals of a type, which stand at the end of its section in a snapshot. */
export function readPopulated(reader: ByteReader, maxOrdinal: number, typeName: string): BitSet {
  const what = `populated ordinals of ${typeName}`;
  const at = reader.position;
  const wordCount = reader.readInt32(what);
  const start = reader.skip(wordCount * 8, what);
  // Java pads with empty words: only those that can hold an ordinal are kept.
  const halves = new Uint32Array(Math.min(wordCount, Math.ceil((maxOrdinal + 1) / 64)) * 2);
  copyWords(reader.bytes, start, halves.length / 2, halves);
  const populated = BitSet.of(halves);
  if (
    populated.last() > maxOrdinal ||
    hasBits(reader.bytes, start + halves.length * 4, start + wordCount * 8)
  ) {
    throw reader.corrupt(what, `one is above the greatest ordinal ${maxOrdinal}`, at);
  }
  return populated;
}

function hasBits(bytes: Uint8Array, start: number, end: number): boolean {
  let bits = 0;
  for (let i = start; i < end; i++) bits |= bytes[i] as number;
  return bits !== 0;
}
