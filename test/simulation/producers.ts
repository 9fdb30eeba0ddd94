import { isDatasetError } from '../../lib/errors.ts';
import type { Deadline, MutationMessage } from '../../lib/ports.ts';
import type { Producer } from '../../lib/producer/producer.ts';
import type { Mutant } from './mutants.ts';
import type { Network } from './network.ts';
import type { Ports } from './ports.ts';
import type { SimProcess } from './process.ts';

/** What one producer works with. */
export interface ProducerPlace {
  readonly process: SimProcess;
  readonly ports: Ports;
  readonly producer: Producer;
  readonly network: Network;
  readonly mutant: Mutant;
  /** What it does now and then: forgets deletions and operations; null: it never does. */
  readonly purge: ((deadline: Deadline) => Promise<unknown>) | null;
}

/** Virtual time of one call, short so that a function often runs out of it while it is frozen. */
const functionMs = 5_000;

export function deadlineOf({ clock }: SimProcess): Deadline {
  const endMs = clock.monotonicMs() + functionMs;
  return { remainingMs: () => endMs - clock.monotonicMs() };
}

export async function runLongLived({ producer, ports }: ProducerPlace): Promise<void> {
  await producer.run(ports.source, new AbortController().signal);
}

/** A function behind an event source mapping. One that ran out of time is killed, or goes on during the next call. */
export async function runFunction(place: ProducerPlace): Promise<void> {
  const { process, ports } = place;
  const { source } = ports;
  for (;;) {
    try {
      const messages = await source.receive(10, 20_000);
      if (messages.length === 0) continue;
      const acknowledged = await invoke(place, messages);
      if (acknowledged.length > 0) await source.acknowledge(acknowledged);
      await purgeSometimes(place);
    } catch (error) {
      if (!isDatasetError(error)) throw error;
      await process.clock.sleep(100);
    }
  }
}

async function invoke(
  { process, ports, producer, network, mutant }: ProducerPlace,
  messages: readonly MutationMessage[],
): Promise<readonly MutationMessage[]> {
  const { world } = process;
  if (mutant.acknowledgesFirst === true) await ports.source.acknowledge(messages);
  const done = producer.process(messages, deadlineOf(process));
  done.catch((error: unknown) => world.fail(error));
  const result = await Promise.race([done, process.clock.sleep(functionMs)]);
  if (result === undefined) {
    world.trace(() => `${process.name} TIME OUT`);
    if (network.strikes('receive', 'kill')) process.crash();
    return [];
  }
  for (const { message, reason } of result.failed)
    world.trace(() => `${process.name} failed ${message.id} ${reason}`);
  return mutant.acknowledgesFailed === true ? messages : result.acknowledged;
}

async function purgeSometimes({ process, purge }: ProducerPlace): Promise<void> {
  if (purge === null || process.random.uniform() > 0.2) return;
  await purge(deadlineOf(process)).catch((error: unknown) => {
    if (!isDatasetError(error)) process.world.fail(error);
  });
}
