import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import type { World } from './world.ts';

/** Two types, one with a compound key, one with a reference, so that every kind of plan occurs. */
export const schema = DatasetSchema.of(
  parseSchemas(`
    City @PrimaryKey(cityId) { int cityId; String name; int population; }
    Score @PrimaryKey(team, round) { string team; int round; long points; boolean final; }
    String { string value; }
  `),
);

/** `[timestamp, source, sequence]` */
export type Stamp = readonly [number, string, number];

interface SentMutation {
  readonly type: 'City' | 'Score';
  /** Equal for equal keys of a type. */
  readonly key: string;
  /** Null: from the message. */
  readonly order: Stamp | null;
}

/** What a sender meant. The oracle works with this; what goes over the wire is JSON. */
export type Intent =
  | (SentMutation & { readonly op: 'upsert' | 'patch'; readonly fields: Readonly<Record<string, unknown>> })
  | (SentMutation & { readonly op: 'delete' })
  /** To be quarantined. */
  | { readonly op: 'bad' };

/** One message: its body, and what each of its mutations means. */
export interface Sent {
  readonly body: string;
  readonly intents: readonly Intent[];
  /** True: the body as a whole is to be quarantined. */
  readonly isBroken: boolean;
}

export interface TrafficOptions {
  readonly poison: number;
  /** How far the clocks of senders are off, at most. */
  readonly skewMsMax: number;
}

/** One application that sends mutations. */
export class Sender {
  readonly #world: World;
  readonly #name: string;
  readonly #skewMs: number;
  readonly #options: TrafficOptions;
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
      return { body, intents: [], isBroken: true };
    }
    const count = world.chance(0.5) ? 1 : world.count(0, 4);
    const mutations = Array.from({ length: count }, () => this.#mutation());
    const content =
      count === 1 && world.chance(0.7) ? mutations[0]?.wire : { mutations: mutations.map((m) => m.wire) };
    return { body: JSON.stringify(content), intents: mutations.map((m) => m.intent), isBroken: false };
  }

  #mutation(): { wire: unknown; intent: Intent } {
    const world = this.#world;
    if (world.chance(this.#options.poison)) return { wire: this.#poison(), intent: { op: 'bad' } };
    const type = world.pick(['City', 'City', 'Score'] as const);
    const order = world.chance(0.4) ? this.#stamp() : null;
    const wireOrder =
      order === null ? {} : { order: { timestamp: order[0], source: order[1], sequence: order[2] } };
    const { key, keyFields } = this.#key(type);
    const op = world.pick(['upsert', 'upsert', 'upsert', 'patch', 'patch', 'delete'] as const);
    if (op === 'delete') {
      return { wire: { op, type, key: keyFields, ...wireOrder }, intent: { op, type, key, order } };
    }
    const fields = this.#fields(type, op === 'patch');
    const intent: Intent = {
      op,
      type,
      key,
      order,
      fields: op === 'upsert' ? { ...keyFields, ...fields } : fields,
    };
    const content = op === 'upsert' ? { value: intent.fields } : { key: keyFields, fields };
    return { wire: { op, type, ...content, ...wireOrder }, intent };
  }

  /** Few keys, so that mutations meet. */
  #key(type: 'City' | 'Score'): { key: string; keyFields: Record<string, unknown> } {
    const world = this.#world;
    if (type === 'City') {
      const cityId = world.count(1, 5);
      return { key: String(cityId), keyFields: { cityId } };
    }
    const team = world.pick(['a', 'b']);
    const round = world.count(1, 2);
    return { key: `${team}/${round}`, keyFields: { team, round } };
  }

  #fields(type: 'City' | 'Score', isPatch: boolean): Record<string, unknown> {
    const world = this.#world;
    const all: Record<string, unknown> =
      type === 'City'
        ? { name: world.pick(['Utrecht', 'Delft', 'Gouda', null]), population: world.count(0, 1_000_000) }
        : { points: world.count(0, 2 ** 40), final: world.chance(0.5) };
    if (!isPatch) return all;
    const name = world.pick(Object.keys(all));
    return world.chance(0.7) ? { [name]: all[name] } : all;
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
