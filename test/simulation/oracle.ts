import type { MutationMessage } from '../../lib/ports.ts';
import type { Intent, Sent, Stamp } from './traffic.ts';

/** A mutation that the queue has accepted. */
export interface Accepted {
  readonly messageId: string;
  readonly index: number;
  readonly stamp: Stamp;
  readonly intent: Exclude<Intent, { op: 'bad' }>;
}

export type PlainRecord = Readonly<Record<string, unknown>>;

/** `type key`, the name of a record in the oracle's maps. */
export function recordName(type: string, key: string): string {
  return `${type} ${key}`;
}

export function compareStamps(a: Stamp, b: Stamp): number {
  if (a[0] !== b[0]) return a[0] - b[0];
  if (a[1] !== b[1]) return a[1] < b[1] ? -1 : 1;
  return a[2] - b[2];
}

/**
 * What must come out, in the plainest way: remember everything, sort, replay. Shares no code with lib/producer.
 */
export class Oracle {
  readonly #byMessage = new Map<string, Accepted[]>();
  readonly #byRecord = new Map<string, Accepted[]>();
  readonly #bad = new Map<string, (number | null)[]>();

  accept(message: MutationMessage, sent: Sent): void {
    if (sent.isBroken) addTo(this.#bad, message.id, null);
    for (const [index, intent] of sent.intents.entries()) {
      if (intent.op === 'bad') {
        addTo(this.#bad, message.id, index);
        continue;
      }
      const stamp: Stamp = intent.order ?? [message.sentAtMs, message.id, index];
      const accepted = { messageId: message.id, index, stamp, intent };
      addTo(this.#byMessage, message.id, accepted);
      addTo(this.#byRecord, recordName(intent.type, intent.key), accepted);
    }
  }

  mutationsOf(messageId: string): readonly Accepted[] {
    return this.#byMessage.get(messageId) ?? [];
  }

  /** Positions of what has to be quarantined; null: the message as a whole. */
  badOf(messageId: string): readonly (number | null)[] {
    return this.#bad.get(messageId) ?? [];
  }

  /** The mutation of a record with this stamp. */
  find(name: string, stamp: Stamp): Accepted | undefined {
    return this.#byRecord.get(name)?.find((each) => compareStamps(each.stamp, stamp) === 0);
  }

  /** Every record that must be there when everything is in. */
  finalRecords(): Map<string, PlainRecord> {
    const records = new Map<string, PlainRecord>();
    for (const [name, mutations] of this.#byRecord) {
      const record = visible(mutations);
      if (record !== null) records.set(name, record);
    }
    return records;
  }
}

function addTo<V>(lists: Map<string, V[]>, key: string, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/** The record that some mutations of one key make; null: none. */
function visible(mutations: readonly Accepted[]): PlainRecord | null {
  let record: Record<string, unknown> | null = null;
  // Patches older than an upsert are overwritten by it, and patches of nothing do nothing: but a patch that is newer
  // than the upsert counts even if it came first. Sorting by stamp says all of that.
  for (const { intent } of mutations.toSorted((a, b) => compareStamps(a.stamp, b.stamp))) {
    if (intent.op === 'upsert') record = { ...intent.fields };
    else if (intent.op === 'delete') record = null;
    else if (record !== null) Object.assign(record, intent.fields);
  }
  return record;
}
