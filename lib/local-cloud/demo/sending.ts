/**
 * Sends messages through the mutation queue and watches, over the consumer's HTTP, when each has become visible. Only so
 * many are under way at once, so that the time to visibility shows the data path and not a queue of our own making.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AwsMutationSink } from '../../aws/mutation-sink.ts';
import { limits } from '../../limits.ts';
import type { CityMessage } from './cities.ts';
import type { ConsumerProcess } from './consumer-process.ts';

export interface SendingOptions {
  readonly sink: AwsMutationSink;
  readonly consumer: ConsumerProcess;
  /** Messages sent and not yet visible, at most. */
  readonly underWayMax: number;
  readonly onProgress?: (mutationsVisible: number) => void;
}

export interface SendingResult {
  readonly durationMs: number;
  /** From the moment a message was given to the SDK, to the first answer of the consumer that shows it; ascending. */
  readonly latenciesMs: readonly number[];
}

interface UnderWay {
  readonly message: CityMessage;
  readonly sentMs: number;
}

/** How often the consumer is asked. */
export const probeEveryMs = 10;
const visibleMsMax = 200_000;

/** Resolves when the consumer serves every message; rejects when one does not appear for {@link visibleMsMax}. */
export async function sendAll(
  messages: readonly CityMessage[],
  options: SendingOptions,
): Promise<SendingResult> {
  const startMs = performance.now();
  const waiting = [...messages];
  const latenciesMs: number[] = [];
  let underWay: UnderWay[] = [];
  let mutationsVisible = 0;
  while (waiting.length > 0 || underWay.length > 0) {
    const room = options.underWayMax - underWay.length;
    if (waiting.length > 0 && room >= Math.min(waiting.length, limits.batchEntriesMax)) {
      const batch = waiting.splice(0, limits.batchEntriesMax);
      const sentMs = performance.now();
      await options.sink.send(batch);
      underWay.push(...batch.map((message) => ({ message, sentMs })));
      if (room > limits.batchEntriesMax) continue;
    }
    const visible = await findVisible(underWay, options.consumer);
    const nowMs = performance.now();
    for (const { message, sentMs } of visible) {
      latenciesMs.push(nowMs - sentMs);
      mutationsVisible += message.mutationCount;
    }
    underWay = underWay.filter((each) => !visible.has(each));
    options.onProgress?.(mutationsVisible);
    const oldest = underWay[0];
    if (oldest !== undefined && nowMs - oldest.sentMs > visibleMsMax) {
      throw new Error(`city ${oldest.message.probe.cityId} is not visible after ${visibleMsMax / 1000} s`);
    }
    if (visible.size === 0) await sleep(probeEveryMs);
  }
  return { durationMs: performance.now() - startMs, latenciesMs: latenciesMs.toSorted((a, b) => a - b) };
}

/** In the order of sending, until one is not there: what comes after it is unlikely to be. */
async function findVisible(underWay: readonly UnderWay[], consumer: ConsumerProcess): Promise<Set<UnderWay>> {
  const visible = new Set<UnderWay>();
  let misses = 0;
  for (const each of underWay) {
    if (await consumer.isVisible(each.message.probe)) visible.add(each);
    else misses += 1;
    if (misses > limits.batchEntriesMax) break;
  }
  return visible;
}

/** `share` from 0 to 1, of ascending values; 0 of none. */
export function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.min(Math.floor(ascending.length * share), ascending.length - 1)] ?? 0;
}
