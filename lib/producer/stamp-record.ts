import { toBase64 } from '../bytes/base64.ts';
import { DatasetError } from '../errors.ts';
import { isPlainObject, type PlainObject } from '../schema/plain-object.ts';
import type { RecordKey } from '../schema/record-key.ts';
import { type BaseRegister, emptyKeyState, type FieldRegister, type KeyState } from './join.ts';
import { compareStamps, type OrderStamp, oldestStamp } from './order-stamp.ts';

/** Names that are made anew for each record are slow to look up. */
const keyNames: readonly string[] = ['key0', 'key1', 'key2', 'key3'];

/**
 * The record of `OrderStampOfX` that keeps `state`. `patches` is canonical: equal states have equal records. The patched
 * values are in it only as long as there is no record of X to hold them.
 */
export function stampRecordOf(key: RecordKey, state: KeyState): PlainObject {
  const record: Record<string, unknown> = {};
  const { parts } = key;
  for (let i = 0; i < parts.length; i++) record[keyNames[i] ?? `key${i}`] = parts[i];
  record['timestamp'] = state.base?.stamp.timestamp ?? null;
  record['source'] = state.base?.stamp.source ?? null;
  record['sequence'] = state.base?.stamp.sequence ?? null;
  record['deleted'] = state.base === null ? null : state.base.value === null;
  record['patches'] = printPatches(state);
  return record;
}

/**
 * The opposite: what is known of a key whose visible record is `value` and whose stamp record is `stamps` (null: there
 * is none). Where the two do not fit, another writer has changed the record, and the record is right.
 *
 * @throws DatasetError `corrupt` if `stamps` is not what {@link stampRecordOf} makes
 */
export function keyStateOfRecords(stamps: PlainObject | null, value: PlainObject | null): KeyState {
  if (stamps === null && value === null) return emptyKeyState;
  const stamp = stamps === null ? null : readStamp(stamps);
  const base: BaseRegister | null =
    stamp === null && value === null ? null : { stamp: stamp ?? oldestStamp, value };
  if (stamps === null) return { ...emptyKeyState, base };
  return { base, ...readPatches(stamps['patches'], value) };
}

/**
 * `change` has an upsert or delete that is newer than all that `stamps` tell of: what their record holds does not matter
 * then, and need not be read.
 */
export function isOverwritten(stamps: PlainObject | null, change: KeyState): boolean {
  if (change.base === null || (stamps?.['patches'] ?? null) !== null) return false;
  const stamp = stamps === null ? null : readStamp(stamps);
  return compareStamps(change.base.stamp, stamp ?? oldestStamp) > 0;
}

/** Of a key without a record: no upsert and no delete of it is known, or they were forgotten; patches may wait. */
export function hasNoBase(stamps: PlainObject | null): boolean {
  return stamps === null || readStamp(stamps) === null;
}

/** Null: neither an upsert nor a delete was seen yet. */
export function readStamp(stamps: PlainObject): OrderStamp | null {
  const { timestamp = null, source = null, sequence = null } = stamps;
  if (timestamp === null && source === null && sequence === null) return null;
  if (typeof source !== 'string') throw corrupt('source');
  return { timestamp: readWhole(timestamp, 'timestamp'), source, sequence: readWhole(sequence, 'sequence') };
}

/** A LONG, in whichever form the reader of records gives it. */
function readWhole(value: unknown, field: string): number {
  const whole = typeof value === 'bigint' ? Number(value) : value;
  if (typeof whole !== 'number' || !Number.isSafeInteger(whole)) throw corrupt(field);
  return whole;
}

/** No field has this name: the greatest increment stands there. */
const countedName = '';

/** Canonical JSON `{field: [timestamp, source, sequence(, value)]}`, or null if there are neither patches nor increments. */
function printPatches({ base, patches, countedTo }: KeyState): string | null {
  if (patches.size === 0 && countedTo === null) return null;
  const isWaiting = base === null || base.value === null;
  const fields: Record<string, unknown> = {};
  for (const [field, { stamp, value }] of patches) {
    const register: unknown[] = [stamp.timestamp, stamp.source, stamp.sequence];
    fields[field] = isWaiting ? [...register, value ?? null] : register;
  }
  if (countedTo !== null) fields[countedName] = [countedTo.timestamp, countedTo.source, countedTo.sequence];
  return printCanonical(fields);
}

const nothingNewer = { patches: emptyKeyState.patches, countedTo: null };

function readPatches(text: unknown, value: PlainObject | null): Pick<KeyState, 'patches' | 'countedTo'> {
  if (text === null || text === undefined) return nothingNewer;
  const fields = typeof text === 'string' ? parseJson(text) : null;
  if (!isPlainObject(fields)) throw corrupt('patches');
  const patches = new Map<string, FieldRegister>();
  let countedTo: OrderStamp | null = null;
  for (const [field, register] of Object.entries(fields)) {
    if (!Array.isArray(register)) throw corrupt('patches');
    const [timestamp, source, sequence, waiting] = register;
    const stamp = readStamp({ timestamp, source, sequence });
    if (stamp === null) throw corrupt('patches');
    // Without a value of its own the patch is in the record; if another writer removed that, it went with it.
    if (field === countedName) countedTo = stamp;
    else if (register.length === 4) patches.set(field, { stamp, value: waiting });
    else if (value !== null) patches.set(field, { stamp, value: value[field] ?? null });
  }
  return { patches, countedTo };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw corrupt('patches');
  }
}

/** JSON with sorted names. What JSON lacks takes the other form that records allow: BYTES as base64, LONG as decimal. */
export function printCanonical(value: unknown): string {
  if (Object.is(value, -0)) return '-0';
  if (typeof value === 'bigint') return `"${value}"`;
  if (value instanceof Uint8Array) return `"${toBase64(value)}"`;
  if (Array.isArray(value)) return `[${value.map(printCanonical).join(',')}]`;
  if (isPlainObject(value)) {
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${printCanonical(value[name])}`).join(',')}}`;
  }
  return JSON.stringify(value ?? null);
}

function corrupt(field: string): DatasetError {
  return new DatasetError('corrupt', `bookkeeping: the field '${field}' of an order stamp is not readable`, {
    field,
  });
}
