import { AssertionError } from '../assert.ts';
import type { EncodedBlob } from '../blob/blob-parts.ts';
import { decodeSnapshot } from '../blob/decode-snapshot.ts';
import { ByteWriter } from '../bytes/byte-writer.ts';
import { hashLoaded, type LoadOptions } from '../consumer/loaded-version.ts';
import type { StateHashes } from '../ports.ts';
import type { ReadState } from '../state/read-state.ts';
import type { Transition, TypeTransition } from '../state/transition.ts';
import type { StateChanges } from '../state/type-changes.ts';
import { stateHashesOf } from './state-hashes.ts';

/**
 * Holds what consumers will see, the state that the encoded delta led to, against what the cycle planned: the same
 * ordinals removed and added, the same bytes in every added record. State hashes are sums over just these, so equal
 * changes from an equal state mean equal hashes.
 *
 * @throws AssertionError a bug of an encoder or a decoder: this version must not be committed
 */
export function checkIntegrity(transition: Transition, next: ReadState, changes: StateChanges): void {
  if (changes.size !== transition.types.length) throw broken('the delta changes other types than planned');
  for (const type of transition.types) checkType(type, next, changes);
}

/**
 * Holds what readers will decode from a snapshot against the hashes of the state that it is of. They rely on it: they
 * compare bytes.
 *
 * @throws AssertionError a bug of an encoder or a decoder: this snapshot must not be registered
 */
export function checkSnapshot(
  { main, parts }: EncodedBlob,
  hashes: StateHashes,
  loaded: Pick<LoadOptions, 'parts'>,
): void {
  const found = stateHashesOf(hashLoaded(decodeSnapshot(main, parts), loaded));
  if (found.data !== hashes.data || found.bookkeeping !== hashes.bookkeeping) {
    throw broken('the snapshot does not hold the state that it is of');
  }
}

function checkType(planned: TypeTransition, next: ReadState, changes: StateChanges): void {
  const { name } = planned.schema;
  const change = changes.get(name);
  if (change === undefined) throw broken(`the delta leaves ${name} out`);
  if (!isEqual(change.removed, planned.removed)) throw broken(`the delta removes other records of ${name}`);
  const { ordinals, starts, bytes } = planned.added;
  if (!isEqual(change.added, ordinals)) throw broken(`the delta adds other records of ${name}`);
  const records = next.type(name);
  const record = new ByteWriter();
  for (let i = 0; i < ordinals.length; i++) {
    const ordinal = ordinals[i] ?? -1;
    record.reset();
    records.writeRecord(ordinal, record);
    if (!records.isPopulated(ordinal) || !isAt(record, bytes, starts[i] ?? 0)) {
      throw broken(`the delta changes record ${ordinal} of ${name}`);
    }
  }
}

/** Canonical bytes end by themselves, so a record that is found at the start of another is that other. */
function isAt(record: ByteWriter, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < record.position; i++) {
    if (record.bytes[i] !== bytes[start + i]) return false;
  }
  return true;
}

function isEqual(a: Int32Array, b: Int32Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

function broken(what: string): AssertionError {
  return new AssertionError(`integrity: ${what}`);
}
