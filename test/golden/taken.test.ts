/** Blobs that are decoded where they lie, at every alignment: the state is the one that copies make. */
import { expect, test } from 'vitest';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { stateChecksum } from '../../lib/state/checksum.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import { hashState, toHex } from '../../lib/state/state-hash.ts';
import { fixtureCases, readFixture } from '../support/golden-fixtures.ts';

const identity = (state: ReadState) => [toHex(hashState(state, () => true)), stateChecksum(state)];

function at(offset: number, bytes: Uint8Array): Uint8Array {
  const moved = new Uint8Array(bytes.length + offset).subarray(offset);
  moved.set(bytes);
  return moved;
}

test.for(fixtureCases.filter((name) => name !== 'big'))('%s', (name) => {
  const main = readFixture(name, 'snapshot-1');
  const part = readFixture(name, 'snapshot-1.part-extras');
  const delta = readFixture(name, 'delta-1-2');
  expect(main).not.toBeNull();
  if (main === null) return;
  const partsAt = (offset: number) => new Map(part === null ? [] : [['extras', at(offset, part)]]);
  const copied = decodeSnapshot(main, partsAt(0));
  for (let offset = 0; offset < 8; offset++) {
    const taken = decodeSnapshot(at(offset, main), partsAt(offset), undefined, 'taken');
    expect(identity(taken)).toEqual(identity(copied));
    if (delta === null || part !== null) continue;
    expect(identity(applyDelta(taken, delta).state)).toEqual(identity(applyDelta(copied, delta).state));
    expect(identity(taken)).toEqual(identity(copied));
  }
});
