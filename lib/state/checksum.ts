import { mixInt, mixLong, murmur3 } from '../bytes/hash.ts';
import type { ListTypeState } from './list-type-state.ts';
import type { MapTypeState } from './map-type-state.ts';
import type { ObjectTypeState } from './object-type-state.ts';
import type { ReadState } from './read-state.ts';
import type { SetTypeState } from './set-type-state.ts';
import { splitByShard } from './shard-split.ts';
import type { TypeState } from './type-state.ts';

const intMax = 0x7fff_ffff;

/**
 * Hollow's own checksum of a state (docs/format.md, "Checksum"): equal to what Java computes for the same state. It
 * depends on shard counts and on where sets and maps have their elements; for identity use lib/state/state-hash.ts.
 *
 * @returns a signed 32-bit number
 */
export function stateChecksum(state: ReadState): number {
  let checksum = 0;
  for (const name of state.typeNames.toSorted(byCodeUnits)) {
    checksum = applyInt(checksum, typeChecksum(state.type(name)));
  }
  return checksum;
}

export function typeChecksum(type: TypeState): number {
  const applyRecord = recordForm(type);
  let checksum = 0;
  for (const ordinals of splitByShard(populatedOrdinals(type), type.shardCount)) {
    for (const o of ordinals) checksum = applyRecord(applyInt(checksum, o), o);
  }
  return checksum;
}

function populatedOrdinals(type: TypeState): Int32Array {
  const ordinals = new Int32Array(type.count);
  for (let o = type.nextPopulated(0), i = 0; o >= 0; o = type.nextPopulated(o + 1)) ordinals[i++] = o;
  return ordinals;
}

type ApplyRecord = (checksum: number, ordinal: number) => number;

function recordForm(type: TypeState): ApplyRecord {
  switch (type.kind) {
    case 'OBJECT':
      return objectForm(type);
    case 'LIST':
      return (checksum, ordinal) => applyList(checksum, type, ordinal);
    case 'SET':
      return (checksum, ordinal) => applySet(checksum, type, ordinal);
    case 'MAP':
      return (checksum, ordinal) => applyMap(checksum, type, ordinal);
  }
}

function objectForm(type: ObjectTypeState): ApplyRecord {
  const fields = type.schema.fields
    .map(({ name, kind }, index) => ({ name, index, isVariable: kind === 'STRING' || kind === 'BYTES' }))
    .toSorted((a, b) => byCodeUnits(a.name, b.name));
  return (start, ordinal) => {
    let checksum = start;
    for (const { index, isVariable } of fields) {
      checksum = isVariable
        ? applyVariable(checksum, type, ordinal, index)
        : applyFixed(checksum, type, ordinal, index);
    }
    return checksum;
  };
}

function applyVariable(checksum: number, type: ObjectTypeState, ordinal: number, field: number): number {
  if (type.isNull(ordinal, field)) return applyInt(checksum, -1);
  const { bytes, start, end } = type.varBytes(ordinal, field);
  return applyInt(checksum, murmur3(bytes, start, end));
}

/** The packed value counts: the null of FLOAT and DOUBLE is a value, all ones is not. */
function applyFixed(checksum: number, type: ObjectTypeState, ordinal: number, field: number): number {
  if (type.isAllOnes(ordinal, field)) return applyInt(checksum, intMax);
  return mixInt(checksum ^ mixLong(type.readRawHigh(ordinal, field), type.readRawLow(ordinal, field)));
}

function applyList(start: number, type: ListTypeState, ordinal: number): number {
  let checksum = start;
  for (const element of type.elements(ordinal)) checksum = applyInt(checksum, element);
  return checksum;
}

function applySet(start: number, type: SetTypeState, ordinal: number): number {
  let checksum = start;
  const bucketCount = type.bucketCount(ordinal);
  for (let bucket = 0; bucket < bucketCount; bucket++) {
    const element = type.bucketElement(ordinal, bucket);
    if (element >= 0) checksum = applyInt(applyInt(checksum, bucket), element);
  }
  return checksum;
}

function applyMap(start: number, type: MapTypeState, ordinal: number): number {
  let checksum = start;
  const bucketCount = type.bucketCount(ordinal);
  for (let bucket = 0; bucket < bucketCount; bucket++) {
    const key = type.bucketKey(ordinal, bucket);
    if (key < 0) continue;
    checksum = applyInt(applyInt(checksum, bucket), key);
    checksum = applyInt(checksum, type.bucketValue(ordinal, bucket));
  }
  return checksum;
}

function applyInt(checksum: number, value: number): number {
  return mixInt(checksum ^ mixInt(value));
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : 1;
}
