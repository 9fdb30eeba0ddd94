import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { setBits } from '../../../lib/bytes/bit-copy.ts';
import { paddingHalves } from '../../../lib/bytes/longs.ts';
import { kindCodes, PackedField } from '../../../lib/state/packed-field.ts';
import { StringCache } from '../../../lib/state/string-cache.ts';

const count = 1_500;
const textSize = 700;

/** A STRING field that fills a block, and is not another one's. */
function fieldOf(letter: string): PackedField {
  const data = new Uint8Array(count * textSize).fill(letter.charCodeAt(0));
  const bits = new Uint32Array(count + paddingHalves);
  for (let record = 0; record < count; record++) setBits(bits, record * 32, -1, (record + 1) * textSize);
  const records = { recordCount: count, bits, view: new DataView(bits.buffer), bitsPerRecord: 32 };
  return new PackedField(kindCodes.STRING, records, { offset: 0, width: 32, data });
}

function readOften(cache: StringCache, field: PackedField, times: number): void {
  for (let i = 0; i < times; i++) expect(cache.read(field, i % count)?.length).toBe(textSize);
}

const isKept = ({ blocks }: PackedField): boolean => blocks?.some((block) => block !== undefined) ?? false;

async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  // What was looked at through a weak reference lives until the end of the turn.
  await new Promise((resolve) => setImmediate(resolve));
  if (typeof collect === 'function') collect();
}

/** A cache of one block, which had to take its place from another one. */
function fullCache(field: PackedField): StringCache {
  const cache = new StringCache(2 ** 20);
  readOften(cache, fieldOf('a'), 64);
  readOften(cache, field, 64);
  expect(isKept(field)).toBe(true);
  return cache;
}

describe('a string cache that is full', () => {
  it('holds to what a layer in use has there', async () => {
    const field = fieldOf('b');
    const cache = fullCache(field);
    await collectGarbage();
    const other = fieldOf('c');
    readOften(cache, other, 10_000);
    expect([field, other].map(isKept)).toEqual([true, false]);
  });

  it('gives the room of a layer that is gone to others at once', async () => {
    const cache = fullCache(fieldOf('b'));
    await collectGarbage();
    const other = fieldOf('c');
    readOften(cache, other, 64);
    expect(isKept(other)).toBe(true);
  });
});
