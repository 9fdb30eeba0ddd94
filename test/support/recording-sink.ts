import { DatasetError } from '../../lib/errors.ts';
import { checkMessages, messageSize, type OutgoingMessage } from '../../lib/message-rules.ts';
import type { Clock, MutationSink } from '../../lib/ports.ts';

export interface SinkBehaviour {
  /** How long a request takes, ms of the clock. */
  readonly latencyMs?: number;
  /** Asked at each request; null: it succeeds. A request may have been taken although it fails. */
  readonly failure?: (request: number) => { readonly error: Error; readonly isTaken: boolean } | null;
}

export interface SentMutation {
  readonly op: string;
  readonly order: { readonly timestamp: number; readonly source: string; readonly sequence: number };
  readonly [field: string]: unknown;
}

/** A queue that keeps each request as it came. */
export class RecordingSink implements MutationSink {
  readonly #clock: Clock;
  readonly #behaviour: SinkBehaviour;
  /** Requests that were taken. */
  readonly requests: (readonly OutgoingMessage[])[] = [];
  readonly atMs: number[] = [];
  requestCount = 0;

  constructor(clock: Clock, behaviour: SinkBehaviour = {}) {
    this.#clock = clock;
    this.#behaviour = behaviour;
  }

  async send(messages: readonly OutgoingMessage[]): Promise<void> {
    checkMessages(messages);
    this.requestCount += 1;
    const failure = this.#behaviour.failure?.(this.requestCount) ?? null;
    if (failure === null || failure.isTaken) {
      this.requests.push(messages);
      this.atMs.push(this.#clock.monotonicMs());
    }
    if (this.#behaviour.latencyMs !== undefined) await this.#clock.sleep(this.#behaviour.latencyMs);
    if (failure !== null) throw failure.error;
  }

  get messages(): readonly OutgoingMessage[] {
    return this.requests.flat();
  }

  /** Bytes of each request. */
  get sizes(): readonly number[] {
    return this.requests.map((messages) => messages.reduce((sum, message) => sum + messageSize(message), 0));
  }

  get mutations(): readonly SentMutation[] {
    return this.messages.flatMap(mutationsOf);
  }
}

export function mutationsOf({ body }: OutgoingMessage): readonly SentMutation[] {
  const { mutations }: { readonly mutations: readonly SentMutation[] } = JSON.parse(body);
  return mutations;
}

export const noAnswer = new DatasetError('unavailable', 'no answer');
