import { crc32 } from 'node:zlib';
import { DatasetError } from '../errors.ts';
import { fromHex, toHex } from '../hex.ts';
import type { CommitEntry } from '../ports.ts';

/**
 * Consecutive commits as one binary attribute, 41 bytes an entry, so that 512 of them cost 21 write units and not 60.
 * Big-endian:
 *
 *     offset  size
 *     0       1     layout: 2
 *     1       8     version of the first entry; the others follow without gaps
 *     9       41 n  entries: commit id 16, hash 16, size of the delta 8, tier 1 (0: s3, 1: inline)
 *     9+41 n  4     CRC-32 of everything before
 */
const layout = 2;
const headerSize = 9;
const entrySize = 41;
const checksumSize = 4;
const tiers = ['s3', 'inline'] as const;

/** @param entries ascending without gaps (lib/head-checks.ts has checked) */
export function encodeRecentEntries(entries: readonly CommitEntry[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(headerSize + entries.length * entrySize + checksumSize);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, layout);
  view.setBigUint64(1, BigInt(entries[0]?.version ?? 0));
  let at = headerSize;
  for (const entry of entries) {
    bytes.set(fromHex(entry.cid), at);
    bytes.set(fromHex(entry.hash), at + 16);
    view.setBigUint64(at + 32, BigInt(entry.size));
    view.setUint8(at + 40, tiers.indexOf(entry.tier));
    at += entrySize;
  }
  view.setUint32(at, crc32(bytes.subarray(0, at)));
  return bytes;
}

/** `corrupt` for bytes that {@link encodeRecentEntries} did not write, `incompatible` for another layout. */
export function decodeRecentEntries(bytes: Uint8Array): CommitEntry[] {
  const end = bytes.length - checksumSize;
  const count = (end - headerSize) / entrySize;
  if (!Number.isInteger(count) || count < 0) throw corrupt('the size is none of a ring', bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(end) !== crc32(bytes.subarray(0, end))) throw corrupt('the checksum is wrong', bytes);
  const found = view.getUint8(0);
  if (found !== layout) {
    throw new DatasetError('incompatible', `recent: layout ${found} is unknown here`, { layout: found });
  }
  const first = readCount(view, 1);
  return Array.from({ length: count }, (_, index) => {
    const at = headerSize + index * entrySize;
    const tier = tiers[view.getUint8(at + 40)];
    if (tier === undefined) throw corrupt('a tier is unknown', bytes);
    return {
      version: first + index,
      cid: toHex(bytes.subarray(at, at + 16)),
      hash: toHex(bytes.subarray(at + 16, at + 32)),
      size: readCount(view, at + 32),
      tier,
    };
  });
}

function readCount(view: DataView, at: number): number {
  const value = view.getBigUint64(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new DatasetError('corrupt', 'recent: a number is too large', { offset: at });
  }
  return Number(value);
}

function corrupt(reason: string, bytes: Uint8Array): DatasetError {
  return new DatasetError('corrupt', `recent: ${reason}`, { size: bytes.length });
}
