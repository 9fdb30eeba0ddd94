import { Consumer, type ConsumerOptions } from '../../lib/consumer/consumer.ts';
import { MemoryAnnouncements } from '../../lib/memory/announcements.ts';
import { MemoryBlobStore } from '../../lib/memory/blob-store.ts';
import { VirtualClock } from '../../lib/memory/clock.ts';
import { MemoryHeadStore } from '../../lib/memory/head-store.ts';
import { MemoryQuarantine } from '../../lib/memory/quarantine.ts';
import { SeededRandom } from '../../lib/memory/random.ts';
import { MemoryTelemetry } from '../../lib/memory/telemetry.ts';
import type { Clock, DatasetId, MutationMessage } from '../../lib/ports.ts';
import { Producer, type ProducerOptions } from '../../lib/producer/producer.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';

export const citySchema = DatasetSchema.of(
  parseSchemas(`
    City @PrimaryKey(cityId) { int cityId; String name; int population; }
    String { string value; }
  `),
);

export const plentyOfTime = { remainingMs: () => 60_000 };

/** One dataset in memory, and the means to make producers and consumers of it. */
export class MemoryCloud {
  readonly id: DatasetId = { dataset: 'cities', partition: 0 };
  readonly clock = new VirtualClock();
  readonly heads = new MemoryHeadStore();
  readonly blobs = new MemoryBlobStore();
  readonly announcements = new MemoryAnnouncements();
  readonly quarantine = new MemoryQuarantine();
  readonly telemetry = new MemoryTelemetry();
  #seed = 0;
  #messageCount = 0;

  /** A clock that nobody has to move: sleeps take no time. */
  get instantClock(): Clock {
    const { clock } = this;
    return {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      sleep: () => Promise.resolve(),
    };
  }

  producer(more: Partial<ProducerOptions> = {}): Producer {
    const { announcements: announcer, quarantine } = this;
    return new Producer({ ...this.#common(), schema: citySchema, announcer, quarantine, ...more });
  }

  consumer(more: Partial<ConsumerOptions> = {}): Consumer {
    return new Consumer({ ...this.#common(), ...more });
  }

  message(content: unknown, more: Partial<MutationMessage> = {}): MutationMessage {
    const number = ++this.#messageCount;
    return {
      id: `m${String(number).padStart(4, '0')}`,
      body: typeof content === 'string' ? content : JSON.stringify(content),
      sentAtMs: this.clock.nowMs(),
      receiveCount: 1,
      receipt: `r${number}`,
      ...more,
    };
  }

  /** Brings in some mutations as one version. */
  async commit(...mutations: readonly object[]): Promise<void> {
    const { failed } = await this.producer().process([this.message({ mutations })], plentyOfTime);
    if (failed[0] !== undefined) throw new Error(failed[0].reason);
  }

  #common() {
    const { id, heads, blobs, clock, telemetry } = this;
    return { id, heads, blobs, clock, telemetry, random: new SeededRandom(++this.#seed) };
  }
}

export function upsertCity(cityId: number, name: string, population = 1): object {
  return { op: 'upsert', type: 'City', value: { cityId, name, population } };
}

export function deleteCity(cityId: number): object {
  return { op: 'delete', type: 'City', key: { cityId } };
}

export function patchCity(cityId: number, fields: object): object {
  return { op: 'patch', type: 'City', key: { cityId }, fields };
}
