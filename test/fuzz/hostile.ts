/** Blobs that nobody wrote by accident: each asks for as much memory as its bytes can. */
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { writeHeader, writeSchema } from '../../lib/blob/encode-header.ts';
import { ByteWriter } from '../../lib/bytes/byte-writer.ts';
import { isDatasetError } from '../../lib/errors.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import type { Schema } from '../../lib/schema/schema.ts';
import type { TypeFilter } from '../../lib/schema/type-filter.ts';
import { ReadState } from '../../lib/state/read-state.ts';
import { memoryMax } from './memory-bound.ts';

export interface HostileResult {
  readonly name: string;
  readonly size: number;
  /** Of what it may take: at most 1. */
  readonly share: number;
  readonly perByte: number;
  readonly outcome: string;
}

const object = (name: string, fieldCount: number): Schema => ({
  kind: 'OBJECT',
  name,
  primaryKey: [],
  fields: Array.from({ length: fieldCount }, (_, i) => ({
    name: `f${i}`,
    kind: 'STRING',
    referencedType: null,
  })),
});

export interface Section {
  readonly schema: Schema;
  readonly write: (out: ByteWriter) => void;
}

export function blob(sections: readonly Section[], tag: bigint, originTag = -1n): Uint8Array {
  const out = new ByteWriter();
  const schemas = sections.map(({ schema }) => schema);
  writeHeader({ originTag, tag, schemas, headerTags: new Map() }, out);
  for (const section of sections) {
    writeSchema(section.schema, out);
    section.write(out);
  }
  return out.take();
}

export function writeShards(out: ByteWriter, count: number): void {
  out.writeVarInt(3);
  out.writeVarInt(0);
  out.writeVarInt(count);
}

/** As many shards as there may be, each of one record without bits. */
function manyShards(schema: Schema, perShard: readonly number[]): Section {
  const count = 2 ** 14;
  return {
    schema,
    write: (out) => {
      writeShards(out, count);
      out.writeVarInt(count - 1);
      for (let shard = 0; shard < count; shard++) {
        out.writeVarInt(0);
        for (const byte of perShard) out.writeByte(byte);
      }
      out.writeInt32(0);
    },
  };
}

/** A delta to as many shards, without any of the type's fields. */
function manyShardsWithoutFields(name: string): Section {
  const count = 2 ** 14;
  return {
    schema: object(name, 0),
    write: (out) => {
      writeShards(out, count);
      out.writeVarInt(count - 1);
      // Greatest ordinal, none removed, one added: the first, no words.
      for (let shard = 0; shard < count; shard++) for (const byte of [0, 0, 1, 0, 0]) out.writeByte(byte);
    },
  };
}

/** A type that says it has 2^29 records, of no bits each. */
function endlessRecords(name: string): Section {
  return {
    schema: object(name, 2),
    write: (out) => {
      writeShards(out, 1);
      out.writeVarInt(2 ** 29 - 1);
      for (let i = 0; i < 2 + 1 + 2; i++) out.writeVarInt(0);
      out.writeInt32(0);
    },
  };
}

/** A delta that adds records of no bits, as far apart as their number allows. */
function scattered(schema: Schema, count: number, gap: number): Section {
  return {
    schema,
    write: (out) => {
      writeShards(out, 1);
      out.writeVarInt(2 ** 29 - 1);
      out.writeVarInt(0);
      const gaps = new ByteWriter();
      for (let i = 0; i < count; i++) gaps.writeVarInt(gap);
      out.writeVarInt(gaps.position);
      out.writeBytes(gaps.bytes, 0, gaps.position);
      for (let i = 0; i < schemaFields(schema) * 2 + 1; i++) out.writeVarInt(0);
    },
  };
}

function schemaFields(schema: Schema): number {
  return schema.kind === 'OBJECT' ? schema.fields.length : 0;
}

/** Keys of many paths, each of which goes on by itself through many types of many fields. */
function manyKeyPaths(): Section[] {
  const fieldCount = 100;
  const steps = 60;
  const chain = Array.from({ length: steps }, (_, i): Schema => {
    const plain = Array.from({ length: fieldCount }, (_, f) => ({
      name: `f${f}`,
      kind: 'INT' as const,
      referencedType: null,
    }));
    const next = { name: 'n', kind: 'REFERENCE' as const, referencedType: `C${i + 1}` };
    return {
      kind: 'OBJECT',
      name: `C${i}`,
      primaryKey: ['n'],
      fields: i === steps - 1 ? [{ name: 'n', kind: 'INT', referencedType: null }] : [...plain, next],
    };
  });
  const fields = Array.from({ length: 5_000 }, (_, i) => ({
    name: `k${i}`,
    kind: 'REFERENCE' as const,
    referencedType: 'C0',
  }));
  const root: Schema = { kind: 'OBJECT', name: 'Root', primaryKey: fields.map(({ name }) => name), fields };
  return [root, ...chain].map((schema) => ({
    schema,
    write: (out) => {
      writeShards(out, 1);
      out.writeVarInt(-1);
      for (let i = 0; i < schemaFields(schema) * 2 + 1; i++) out.writeVarInt(0);
      out.writeInt32(0);
    },
  }));
}

interface Hostile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly from: ReadState | null;
  readonly filter?: TypeFilter;
}

function hostileBlobs(): Hostile[] {
  const names = Array.from({ length: 3_000 }, (_, i) => `T${i.toString(36)}`);
  const types = names.slice(0, 2).map((name) => object(name, 1));
  const from = ReadState.empty(DatasetSchema.of(types));
  const list: Schema = { kind: 'LIST', name: 'L', elementType: 'L' };
  const longName = 'N'.repeat(4_096);
  const wide = object('Wide', 3_000);
  const [broad, narrow] = [object('Broad', 1_000), object('Narrow', 80)];
  const wideFrom = ReadState.empty(DatasetSchema.of([wide]));
  return [
    { name: 'many types', from: null, bytes: blob(names.map(endlessRecords), 1n) },
    {
      name: 'many shards of an object',
      from: null,
      bytes: blob([manyShards(object('A', 1), [0, 0, 0])], 1n),
    },
    {
      name: 'many shards of an object without fields',
      from: null,
      bytes: blob([manyShards(object('A', 0), [0])], 1n),
    },
    { name: 'many paths of keys', from: null, bytes: blob(manyKeyPaths(), 1n) },
    {
      name: 'many fields left out of a type with a long name',
      from: null,
      bytes: blob([endlessRecordsOf(object(longName, 3_000))], 1n),
      filter: [{ exclude: '*' }, { include: longName, field: 'f0' }],
    },
    { name: 'many fields', from: null, bytes: blob([endlessRecordsOf(wide)], 1n) },
    { name: 'many shards of a list', from: null, bytes: blob([manyShards(list, [0, 1, 0, 0, 0])], 1n) },
    {
      name: 'ordinals at the far end',
      from,
      bytes: blob(
        types.map((type) => scattered(type, 1, 2 ** 29 - 1)),
        1n,
      ),
    },
    {
      name: 'ordinals on a page each',
      from,
      bytes: blob(
        types.map((type) => scattered(type, 5_000, 256)),
        1n,
      ),
    },
    {
      name: 'ordinals far apart, more than are folded',
      from,
      bytes: blob(
        types.map((type) => scattered(type, 2_000, 2 ** 18)),
        1n,
      ),
    },
    {
      name: 'none of many fields, in many shards',
      from: ReadState.empty(DatasetSchema.of([broad])),
      bytes: blob([manyShardsWithoutFields('Broad')], 1n),
    },
    {
      name: 'none of some fields, in many shards',
      from: ReadState.empty(DatasetSchema.of([narrow])),
      bytes: blob([manyShardsWithoutFields('Narrow')], 1n),
    },
    { name: 'many records of many fields', from: wideFrom, bytes: blob([scattered(wide, 100_000, 1)], 1n) },
  ];
}

function endlessRecordsOf(schema: Schema): Section {
  return {
    schema,
    write: (out) => {
      writeShards(out, 1);
      out.writeVarInt(2 ** 29 - 1);
      for (let i = 0; i < schemaFields(schema) * 2 + 1; i++) out.writeVarInt(0);
      out.writeInt32(0);
    },
  };
}

function memoryTaken(): number {
  for (let i = 0; i < 2; i++) globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Keeps what is measured from being collected too early. */
const held: unknown[] = [];

/** What is held of each, once it is decoded; exact only where the garbage collector can be asked (`--expose-gc`). */
export function measureHostile(): HostileResult[] {
  return hostileBlobs().map(({ name, bytes, from, filter }) => {
    const before = memoryTaken();
    let state: ReadState | null = null;
    let outcome = 'read';
    try {
      state = from === null ? decodeSnapshot(bytes, new Map(), filter) : applyDelta(from, bytes).state;
    } catch (error) {
      if (!isDatasetError(error)) throw error;
      outcome = error.kind;
    }
    held.push(state);
    const taken = memoryTaken() - before;
    held.pop();
    const share = taken / memoryMax(bytes.length, from?.typeNames.length ?? 0);
    return { name, size: bytes.length, share, perByte: taken / bytes.length, outcome };
  });
}
