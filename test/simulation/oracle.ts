import type { MutationMessage } from '../../lib/ports.ts';
import type { Intent, RecordType, Sent, Stamp } from './traffic.ts';

/** A mutation that the queue has accepted. */
export interface Accepted {
  readonly messageId: string;
  readonly index: number;
  readonly stamp: Stamp;
  readonly intent: Exclude<Intent, { op: 'bad' }>;
  /** By this the ledger knows it; null: it is just joined. */
  readonly opId: string | null;
  readonly isAtomic: boolean;
}

export type PlainRecord = Readonly<Record<string, unknown>>;

/** `type key`, the name of a record in the oracle's maps. */
export function recordName(type: string, key: string): string {
  return `${type} ${key}`;
}

export function nameOf({ intent }: Accepted): string {
  return recordName(intent.type, intent.key);
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
  readonly #byOperation = new Map<string, Accepted[]>();
  readonly #byNumber = new Map<string, string[]>();
  readonly #unopened = new Set<string>();
  readonly #bad = new Map<string, (number | null)[]>();
  readonly #copies = new Map<Sent, string[]>();
  readonly #copiesByMessage = new Map<string, readonly string[]>();

  accept(message: MutationMessage, sent: Sent): void {
    const { intents, isBroken, isAtomic, number, mayBeUnopened = false } = sent;
    if (mayBeUnopened) this.#unopened.add(message.id);
    if (number !== null) addTo(this.#byNumber, `${number.source} ${number.sequence}`, message.id);
    addTo(this.#copies, sent, message.id);
    this.#copiesByMessage.set(message.id, this.#copies.get(sent) ?? []);
    if (isBroken || (isAtomic && intents.some(({ op }) => op === 'bad'))) {
      addTo(this.#bad, message.id, null);
      return;
    }
    for (const [index, intent] of intents.entries()) {
      if (intent.op === 'bad') {
        addTo(this.#bad, message.id, index);
        continue;
      }
      const stamp: Stamp = intent.order ?? [message.sentAtMs, message.id, index];
      const isOperation = intent.op === 'increment' || intent.condition !== null;
      const opId = isOperation ? (intent.opId ?? `${message.id}/${index}`) : null;
      const accepted = { messageId: message.id, index, stamp, intent, opId, isAtomic };
      addTo(this.#byMessage, message.id, accepted);
      addTo(this.#byRecord, recordName(intent.type, intent.key), accepted);
      if (opId !== null) addTo(this.#byOperation, opId, accepted);
    }
  }

  /** A rollback made the record what it was: by no message, but it counts. */
  addRevert(name: string, stamp: Stamp, record: PlainRecord | null): void {
    const [type, key] = name.split(' ') as [RecordType, string];
    const target = { type, key, order: stamp, condition: null, opId: null };
    const intent: Accepted['intent'] =
      record === null ? { ...target, op: 'delete' } : { ...target, op: 'upsert', fields: record };
    const revert = { messageId: stamp[1], index: 0, stamp, intent, opId: null, isAtomic: false };
    addTo(this.#byRecord, name, revert);
  }

  /** Whether it came from {@link addRevert}. */
  isRevert({ messageId }: Accepted): boolean {
    return !this.#byMessage.has(messageId);
  }

  mutationsOf(messageId: string): readonly Accepted[] {
    return this.#byMessage.get(messageId) ?? [];
  }

  /** The message, and the others in which the same was sent again. */
  copiesOf(messageId: string): readonly string[] {
    return this.#copiesByMessage.get(messageId) ?? [];
  }

  /** The messages with this number of this source: one, and its copies. */
  numbered(source: string, sequence: number): readonly string[] {
    return this.#byNumber.get(`${source} ${sequence}`) ?? [];
  }

  /** Positions of what has to be quarantined; null: the message as a whole. */
  badOf(messageId: string): readonly (number | null)[] {
    return this.#bad.get(messageId) ?? [];
  }

  /** Its claim may have been opened in vain. */
  mayBeUnopened(messageId: string): boolean {
    return this.#unopened.has(messageId);
  }

  ofRecord(name: string): readonly Accepted[] {
    return this.#byRecord.get(name) ?? [];
  }

  /** The mutations of a record with this stamp: several, if a sender sent it twice. */
  find(name: string, stamp: Stamp): readonly Accepted[] {
    return this.ofRecord(name).filter((each) => compareStamps(each.stamp, stamp) === 0);
  }

  /** Every send of an operation. */
  operation(opId: string): readonly Accepted[] {
    return this.#byOperation.get(opId) ?? [];
  }

  get accepted(): Iterable<Accepted> {
    return [...this.#byRecord.values()].flat();
  }

  /** Every record that must be there when everything that is `included` is in. */
  finalRecords(included: (accepted: Accepted) => boolean): Map<string, PlainRecord> {
    const records = new Map<string, PlainRecord>();
    for (const [name, mutations] of this.#byRecord) {
      const record = visible(mutations.filter(included));
      if (record !== null) records.set(name, record);
    }
    return records;
  }
}

function addTo<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/** The record that some mutations of one key make; null: none. */
function visible(mutations: readonly Accepted[]): PlainRecord | null {
  let record: Record<string, unknown> | null = null;
  const counted = new Set<string>();
  // Patches older than an upsert are overwritten by it, and patches of nothing do nothing: but a patch that is newer
  // than the upsert counts even if it came first, and so does an increment. Sorting by stamp says all of that.
  for (const { intent, opId } of mutations.toSorted((a, b) => compareStamps(a.stamp, b.stamp))) {
    if (intent.op === 'upsert') record = { ...intent.fields };
    else if (intent.op === 'delete') record = null;
    else if (record === null) continue;
    else if (intent.op === 'patch') Object.assign(record, intent.fields);
    else if (!counted.has(opId ?? '')) {
      counted.add(opId ?? '');
      for (const [field, amount] of Object.entries(intent.fields))
        record[field] = Number(record[field] ?? 0) + Number(amount);
    }
  }
  return record;
}
