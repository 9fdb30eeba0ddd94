/**
 * Drives a WriteState beside a plain model: random cycles of upserts and deletes over a schema with shared, nested and
 * keyed records. The model keeps values only; what lives, and under which ordinal, it works out from scratch each time.
 */
import fc from 'fast-check';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import type { EncodedBlob } from '../../lib/blob/blob-parts.ts';
import { encodeDelta } from '../../lib/blob/encode-delta.ts';
import { ByteWriter } from '../../lib/bytes/byte-writer.ts';
import type { Cycle } from '../../lib/state/cycle.ts';
import type { ReadState } from '../../lib/state/read-state.ts';
import type { CycleTransition } from '../../lib/state/transition.ts';
import type { StateChanges } from '../../lib/state/type-changes.ts';
import type { WriteState } from '../../lib/state/write-state.ts';

export type PlainRecord = Readonly<Record<string, unknown>> & { readonly id: number };

/** Upserts (a value) and deletes (an id) of the one keyed type that is mutated. */
export type Mutation = { readonly value: PlainRecord } | { readonly id: number };

export const noTags: ReadonlyMap<string, string> = new Map();
export const noParts: ReadonlyMap<string, readonly string[]> = new Map();

/** Canonical bytes of all populated records of a type, by ordinal. */
export function recordsOf(state: ReadState, type: string): ReadonlyMap<number, string> {
  const records = state.type(type);
  const out = new ByteWriter();
  const found = new Map<number, string>();
  for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1)) {
    out.reset();
    records.writeRecord(o, out);
    found.set(o, Buffer.from(out.take()).toString('hex'));
  }
  return found;
}

/** The id field must be the first of the type. */
function ordinalsById(state: ReadState, type: string): Map<number, number> {
  const records = state.objectType(type);
  const ordinals = new Map<number, number>();
  for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1)) {
    ordinals.set(records.readInt(o, 0), o);
  }
  return ordinals;
}

/** Applies mutations to a cycle as a producer does: add the new value, then remove the old record of the key. */
export function mutate(cycle: Cycle, state: ReadState, type: string, mutations: readonly Mutation[]): void {
  const ordinals = ordinalsById(state, type);
  for (const mutation of mutations) {
    const id = 'value' in mutation ? mutation.value.id : mutation.id;
    const before = ordinals.get(id) ?? -1;
    const after = 'value' in mutation ? cycle.add(type, mutation.value) : -1;
    if (before >= 0 && before !== after) cycle.remove(type, before);
    if (after >= 0) ordinals.set(id, after);
    else ordinals.delete(id);
  }
}

export interface Step {
  readonly delta: EncodedBlob;
  readonly state: ReadState;
  readonly changes: StateChanges;
  readonly transition: CycleTransition;
}

/** Moves the writer on: along its own transition, or as if the delta were another writer's. */
export function moveOn(writer: WriteState, { state, changes, transition }: Step, isOwn: boolean): void {
  if (isOwn) writer.follow(state, transition);
  else writer.advance(state, changes);
}

/** Encodes the cycle and applies the delta; the writer itself stays where it is. */
export function step(writer: WriteState, cycle: Cycle, tag: bigint): Step {
  const transition = cycle.transition();
  const delta = encodeDelta(transition, { tag, headerTags: noTags, parts: noParts });
  return { delta, transition, ...applyDelta(writer.state, delta.main) };
}

export function mutationsOf(value: fc.Arbitrary<PlainRecord>, ids: number): fc.Arbitrary<Mutation[]> {
  const deletion = fc.record({ id: fc.nat(ids) });
  const upsert = fc.record({ value });
  return fc.array(fc.oneof({ arbitrary: upsert, weight: 3 }, { arbitrary: deletion, weight: 2 }), {
    maxLength: 12,
  });
}
