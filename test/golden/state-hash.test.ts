/** Heads keep the hash of each version: what it is of a state must not change. */
import { expect, it } from 'vitest';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { hashState, toHex } from '../../lib/state/state-hash.ts';
import { readFixture } from '../support/golden-fixtures.ts';

it('is what it was when it was first kept', () => {
  const snapshot = readFixture('collections', 'snapshot-3') ?? new Uint8Array();
  const hash = hashState(decodeSnapshot(snapshot), () => true);
  expect(toHex(hash)).toBe('0ed03ec62180e0e235a25baddf5b4289');
});
