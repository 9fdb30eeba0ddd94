import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { headAttributes } from '../../lib/aws/head-item.ts';
import { limits } from '../../lib/limits.ts';
import type { Head } from '../../lib/ports.ts';
import type { ChainBounds } from '../../lib/producer/chain.ts';
import { Violation } from './world.ts';

/** Bytes of an item beside its lists, of one commit in a list, of one snapshot, of one pin beside its deltas. */
const [frameSize, entrySize, snapshotSize, pinSize] = [512, 48, 224, 544];

/** G2: the lists of a head are bounded, and its item is no larger than they make it. */
export function requireSmall(head: Head, bounds: ChainBounds): void {
  const pins = Object.values(head.pins);
  const recentMax = Math.max(bounds.chainLengthMax, bounds.recentEntriesMin) + 1;
  if (head.recent.length > recentMax || pins.length > limits.pinsMax)
    throw new Violation('G2', `the head has ${head.recent.length} commits and ${pins.length} pins`);
  const entries = pins.reduce((sum, { deltas }) => sum + deltas.length, head.recent.length);
  const sizeMax =
    frameSize + entries * entrySize + head.snapshots.length * snapshotSize + pins.length * pinSize;
  const size = sizeOf({ M: headAttributes(head) });
  if (size > sizeMax) throw new Violation('G2', `the head has ${size} bytes, more than ${sizeMax}`);
}

/** As DynamoDB counts an item. */
function sizeOf(value: AttributeValue): number {
  if (value.S !== undefined) return value.S.length;
  if (value.N !== undefined) return Math.ceil(value.N.length / 2) + 1;
  if (value.B !== undefined) return value.B.length;
  if (value.L !== undefined) return value.L.reduce((sum, each) => sum + 1 + sizeOf(each), 3);
  if (value.M === undefined) return 1;
  return Object.entries(value.M).reduce((sum, [name, each]) => sum + name.length + 1 + sizeOf(each), 3);
}
