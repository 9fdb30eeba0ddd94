import type { ByteWriter } from '../bytes/byte-writer.ts';
import { hashTableSize, mixInt } from '../bytes/hash.ts';
import { DatasetError } from '../errors.ts';

/**
 * Canonical bytes of a collection record (docs/format.md, "Record bytes").
 *
 * @param entries LIST and SET: ordinals of the elements; MAP: [key, value] ordinals. An element that a set has twice
 *   is taken once; of a key that a map has twice, the last value.
 * @throws DatasetError `invalid` if an entry is not of that form
 */
export function writeCollection(
  kind: 'LIST' | 'SET' | 'MAP',
  entries: readonly unknown[],
  out: ByteWriter,
): void {
  switch (kind) {
    case 'LIST':
      out.writeVarInt(entries.length);
      for (const element of entries) out.writeVarInt(requireOrdinal(element));
      return;
    case 'SET':
      return writeSet(new Set(entries.map(requireOrdinal)), out);
    case 'MAP':
      return writeMap(new Map(entries.map(requirePair)), out);
  }
}

function writeSet(elements: ReadonlySet<number>, out: ByteWriter): void {
  const bucketMask = hashTableSize(elements.size) - 1;
  let previous = 0;
  out.writeVarInt(elements.size);
  for (const element of Int32Array.from(elements).sort()) {
    out.writeVarInt(element - previous);
    out.writeVarInt(mixInt(element) & bucketMask);
    previous = element;
  }
}

function writeMap(entries: ReadonlyMap<number, number>, out: ByteWriter): void {
  const bucketMask = hashTableSize(entries.size) - 1;
  let previous = 0;
  out.writeVarInt(entries.size);
  for (const key of Int32Array.from(entries.keys()).sort()) {
    out.writeVarInt(key - previous);
    out.writeVarInt(entries.get(key) as number);
    out.writeVarInt(mixInt(key) & bucketMask);
    previous = key;
  }
}

function requireOrdinal(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw new DatasetError('invalid', 'a collection needs the ordinals of its elements');
}

function requirePair(entry: unknown): [number, number] {
  if (Array.isArray(entry) && entry.length === 2) return [requireOrdinal(entry[0]), requireOrdinal(entry[1])];
  throw new DatasetError('invalid', 'a map needs [key, value] ordinals');
}
