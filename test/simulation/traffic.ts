import type { MessageProgress } from '../../lib/receipt.ts';
import type { World } from './world.ts';

/** `[timestamp, source, sequence]` */
export type Stamp = readonly [number, string, number];

/** Rivers came with the new schema (bundles.ts). */
export type RecordType = 'City' | 'Score' | 'River';

interface SentMutation {
  readonly type: RecordType;
  /** Equal for equal keys of a type. */
  readonly key: string;
  /** Null: from the message. */
  readonly order: Stamp | null;
}

type Fields = Readonly<Record<string, unknown>>;

/** What must hold at the commit. Its outcome depends on when that is, so it is read from the ledger. */
export type IntendedCondition = 'absent' | Stamp;

interface Conditional {
  readonly condition: IntendedCondition | null;
  /** Null: from the message. */
  readonly opId: string | null;
}

/** What a sender meant. The oracle works with this; what goes over the wire is JSON. */
export type Intent =
  | (SentMutation & Conditional & { readonly op: 'upsert' | 'patch'; readonly fields: Fields })
  | (SentMutation & Conditional & { readonly op: 'delete' })
  | (SentMutation & {
      readonly op: 'increment';
      readonly fields: Readonly<Record<string, number>>;
      readonly opId: string | null;
    })
  /** To be quarantined. */
  | { readonly op: 'bad' };

/** One message: its body, and what each of its mutations means. */
export interface Sent {
  readonly body: string;
  readonly intents: readonly Intent[];
  /** True: the body as a whole is to be quarantined. */
  readonly isBroken: boolean;
  /** All of it in one version, or nothing. */
  readonly isAtomic: boolean;
  /** Its claim was sent before what it names was there: it may be opened, and it may be quarantined. */
  readonly mayBeUnopened?: true;
  /** Which message of its source it is; null: it does not say. */
  readonly number: MessageProgress | null;
}

export interface TrafficOptions {
  readonly poison: number;
  /** How far the clocks of senders are off, at most. */
  readonly skewMsMax: number;
  /** Share of increments and conditional mutations, which need the ledger. */
  readonly operations: number;
  /** Share of atomic messages among those of several mutations. */
  readonly atomic: number;
  /** True: the dataset has the new schema, so that what is new in it may be sent. */
  readonly isAdvanced: () => boolean;
}

/** The field of a type that increments are of. */
const counters: Readonly<Record<RecordType, string>> = {
  City: 'population',
  Score: 'points',
  River: 'length',
};

/** One application that sends mutations. */
export class Sender {
  readonly #world: World;
  readonly #name: string;
  readonly #skewMs: number;
  readonly #options: TrafficOptions;
  /** Stamps that were sent, by type and key: what a condition may name. */
  readonly #stamps = new Map<string, Stamp>();
  #sequence = 0;

  constructor(world: World, name: string, options: TrafficOptions) {
    this.#world = world;
    this.#name = name;
    this.#options = options;
    this.#skewMs = Math.floor(world.between(-options.skewMsMax, options.skewMsMax));
  }

  next(): Sent {
    const world = this.#world;
    if (world.chance(this.#options.poison)) {
      const body = world.pick(['{', 'null', '[]', '{"mutations":5}', '{"mutations":[],"x":1}']);
      return { body, intents: [], isBroken: true, isAtomic: false, number: null };
    }
    const count = world.chance(0.5) ? 1 : world.count(0, 4);
    const mutations = Array.from({ length: count }, () => this.#mutation());
    const isAtomic = count > 1 && world.chance(this.#options.atomic);
    const isBare = count === 1 && world.chance(0.7);
    const wires = mutations.map(({ wire }) => wire);
    const content = isBare ? wires[0] : { mutations: wires, ...(isAtomic ? { atomic: true } : {}) };
    const intents = mutations.map(({ intent }) => intent);
    return { body: JSON.stringify(content), intents, isBroken: false, isAtomic, number: null };
  }

  #mutation(): { wire: unknown; intent: Intent } {
    const world = this.#world;
    const { poison, operations } = this.#options;
    if (world.chance(poison)) return { wire: this.#poison(), intent: { op: 'bad' } };
    const isNew = this.#options.isAdvanced();
    const type: RecordType =
      isNew && world.chance(0.25) ? 'River' : world.pick(['City', 'City', 'Score'] as const);
    const { key, keyFields } = this.#key(type);
    const order = world.chance(0.4) ? this.#stamp() : null;
    const sent = { type, key, order };
    const isOperation = world.chance(operations);
    const opId = isOperation && world.chance(0.5) ? `${this.#name}-${++this.#sequence}` : null;
    const surroundings = {
      ...(order === null ? {} : { order: wireStamp(order) }),
      ...(opId === null ? {} : { opId }),
    };
    if (isOperation && world.chance(0.5)) {
      const fields = { [counters[type]]: world.count(1, 100) };
      const wire = { op: 'increment', type, key: keyFields, fields, ...surroundings };
      return { wire, intent: { op: 'increment', ...sent, fields, opId } };
    }
    const op = world.pick(['upsert', 'upsert', 'upsert', 'patch', 'patch', 'delete'] as const);
    const condition = isOperation ? this.#condition(op, `${type} ${key}`) : null;
    const wireCondition = condition === null ? {} : { condition: wireOf(condition) };
    // An id belongs to an operation only.
    const around = condition === null && opId !== null ? { ...surroundings, opId: undefined } : surroundings;
    const conditional = { condition, opId: condition === null ? null : opId };
    if (order !== null) this.#stamps.set(`${type} ${key}`, order);
    if (op === 'delete') {
      const wire = { op, type, key: keyFields, ...around, ...wireCondition };
      return { wire, intent: { op, ...sent, ...conditional } };
    }
    const fields = this.#fields(type, op === 'patch', isNew);
    const value = op === 'upsert' ? { ...keyFields, ...fields } : fields;
    const content = op === 'upsert' ? { value } : { key: keyFields, fields };
    const wire = { op, type, ...content, ...around, ...wireCondition };
    return { wire, intent: { op, ...sent, ...conditional, fields: value } };
  }

  #condition(op: 'upsert' | 'patch' | 'delete', target: string): IntendedCondition | null {
    const known = this.#stamps.get(target);
    if (known !== undefined && this.#world.chance(0.7)) return known;
    return op === 'upsert' ? 'absent' : null;
  }

  /** Few keys, so that mutations meet. */
  #key(type: RecordType): { key: string; keyFields: Record<string, unknown> } {
    const world = this.#world;
    if (type === 'City') {
      const cityId = world.count(1, 5);
      return { key: String(cityId), keyFields: { cityId } };
    }
    if (type === 'River') {
      const name = world.pick(['Maas', 'Rijn']);
      return { key: name, keyFields: { name } };
    }
    const team = world.pick(['a', 'b']);
    const round = world.count(1, 2);
    return { key: `${team}/${round}`, keyFields: { team, round } };
  }

  #fields(type: RecordType, isPatch: boolean, isNew: boolean): Record<string, unknown> {
    const world = this.#world;
    const all = this.#allFields(type);
    // Senders that know the new field, and such that do not.
    if (type === 'City' && isNew && world.chance(0.6)) all['mayor'] = world.pick(['Aad', 'Bep', null]);
    if (!isPatch) return all;
    const name = world.pick(Object.keys(all));
    return world.chance(0.7) ? { [name]: all[name] } : all;
  }

  #allFields(type: RecordType): Record<string, unknown> {
    const world = this.#world;
    if (type === 'City')
      return { name: world.pick(['Utrecht', 'Delft', 'Gouda', null]), population: world.count(0, 1_000_000) };
    if (type === 'River') return { length: world.count(0, 2 ** 40) };
    return { points: world.count(0, 2 ** 40), final: world.chance(0.5) };
  }

  #stamp(): Stamp {
    return [this.#world.wallMs + this.#skewMs, this.#name, ++this.#sequence];
  }

  #poison(): unknown {
    const day = 86_400_000;
    return this.#world.pick<unknown>([
      {},
      { op: 'upsert', type: 'City', value: { name: 'no key' } },
      { op: 'upsert', type: 'Nowhere', value: {} },
      { op: 'upsert', type: 'City', value: { cityId: 'one' } },
      { op: 'increment', type: 'City', key: { cityId: 1 } },
      { op: 'increment', type: 'City', key: { cityId: 1 }, fields: { name: 1 } },
      { op: 'delete', type: 'City', key: { cityId: 1 }, condition: { ifAbsent: true } },
      { op: 'patch', type: 'City', key: { cityId: 1 }, fields: { cityId: 2 } },
      {
        op: 'delete',
        type: 'City',
        key: { cityId: 1 },
        order: { timestamp: this.#world.wallMs + day, source: this.#name, sequence: 0 },
      },
    ]);
  }
}

function wireStamp([timestamp, source, sequence]: Stamp): unknown {
  return { timestamp, source, sequence };
}

function wireOf(condition: IntendedCondition): unknown {
  return condition === 'absent' ? { ifAbsent: true } : { ifVersion: wireStamp(condition) };
}

/** True: only the new schema has what it names. */
export function isOfNewSchema(intent: Exclude<Intent, { op: 'bad' }>): boolean {
  return intent.type === 'River' || ('fields' in intent && Object.hasOwn(intent.fields, 'mayor'));
}
