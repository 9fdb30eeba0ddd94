import { isDatasetError } from '../../lib/errors.ts';
import type { MutationSink, Telemetry } from '../../lib/ports.ts';
import type { Receipt } from '../../lib/receipt.ts';
import { defineDataset, type } from '../../lib/schema/builder.ts';
import { t } from '../../lib/schema/field-specs.ts';
import { Sender, type Sent } from '../../lib/sender/sender.ts';
import { SimProcess } from './process.ts';
import type { World } from './world.ts';

/** The types of traffic.ts, in two partitions. */
export const dataset = defineDataset(
  {
    City: type({ cityId: t.int(), name: t.string(), population: t.int() }, { primaryKey: ['cityId'] }),
    Score: type(
      { team: t.string({ inline: true }), round: t.int(), points: t.long(), final: t.boolean() },
      { primaryKey: ['team', 'round'], partitionKey: ['team'] },
    ),
  },
  { partitions: 2 },
);

export interface ApplicationOptions {
  readonly name: string;
  readonly world: World;
  readonly telemetry: Telemetry;
  /** Mutations that it has to send. */
  readonly mutations: number;
  readonly withinMs: number;
  readonly skewMsMax: number;
  /** The queue of each partition, as the process reaches them. */
  readonly sinksOf: (process: SimProcess) => readonly MutationSink[];
  /** Told of each receipt, when the sender says that the queue has the message. */
  readonly onAccepted: (receipt: Receipt) => void;
}

/**
 * An application that sends with the sender library. What it had in hand when it died it does not send again: nobody told
 * it that it was accepted.
 */
export class Application {
  readonly #options: ApplicationOptions;
  #left: number;
  #isDone = false;
  #process: SimProcess | null = null;

  constructor(options: ApplicationOptions) {
    this.#options = options;
    this.#left = options.mutations;
  }

  /** Everything is in a queue, or was told to be not. */
  get isDone(): boolean {
    return this.#isDone;
  }

  thaw(): void {
    this.#process?.thaw();
  }

  start(): void {
    const { name, world, skewMsMax } = this.#options;
    const skewMs = world.between(-skewMsMax, skewMsMax);
    const onCrash = (): void => world.schedule(world.between(100, 5_000), () => this.start());
    this.#process = new SimProcess(name, world, { skewMs, onCrash });
    this.#run(this.#process).catch((error: unknown) => world.fail(error));
  }

  async #run(process: SimProcess): Promise<void> {
    const { name, telemetry, mutations, withinMs, sinksOf } = this.#options;
    const { clock, random } = process;
    const sender = new Sender({ dataset, sinks: sinksOf(process), clock, random, telemetry, name });
    while (this.#left > 0) {
      await clock.sleep(process.random.uniform() * 2 * (withinMs / mutations));
      this.#left -= 1;
      this.#follow(await this.#send(sender, process));
      if (random.uniform() < 0.2) await flush(sender);
    }
    await flush(sender);
    this.#isDone = true;
  }

  #follow({ accepted }: Sent): void {
    accepted.then(this.#options.onAccepted).catch((error: unknown) => {
      // Given back, and told of it.
      if (!isDatasetError(error)) this.#options.world.fail(error);
    });
  }

  /** One call of an application: of few keys, so that they meet. */
  #send(sender: Sender<typeof dataset>, { random }: SimProcess): Promise<Sent> {
    const count = (max: number): number => 1 + Math.floor(random.uniform() * max);
    const cityId = count(5);
    const city = { cityId, name: random.uniform() < 0.5 ? 'Utrecht' : 'Delft', population: count(1_000) };
    const key = { team: random.uniform() < 0.5 ? 'a' : 'b', round: count(2) };
    const calls: readonly (() => Promise<Sent>)[] = [
      () => sender.upsert('City', city),
      () => sender.upsert('City', city, { condition: { ifAbsent: true } }),
      () => sender.patch('City', { cityId }, { population: city.population }),
      () => sender.delete('City', { cityId }),
      () => sender.increment('City', { cityId }, { population: count(100) }),
      () => sender.upsert('Score', { ...key, points: count(9), final: false }),
      () => sender.increment('Score', key, { points: count(9) }, { priority: 'high' }),
      // One key per partition key: both are in one partition.
      () =>
        sender.atomic([
          { op: 'upsert', type: 'Score', value: { ...key, round: 1, points: 1, final: true } },
          { op: 'increment', type: 'Score', key: { ...key, round: 2 }, fields: { points: 1 } },
        ]),
    ];
    const call = calls[Math.floor(random.uniform() * calls.length)] ?? calls[0];
    if (call === undefined) throw new Error('nothing to send');
    return call();
  }
}

async function flush(sender: Sender<typeof dataset>): Promise<void> {
  await sender.flush().catch((error: unknown) => {
    if (!isDatasetError(error)) throw error;
  });
}
