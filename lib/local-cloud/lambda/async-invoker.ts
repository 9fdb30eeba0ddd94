/**
 * Asynchronous invocations: accepted at once, run in the background, repeated when the function fails, and in the end
 * reported to the destination for failures. The queue of accepted ones is in memory and is lost with the process.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Counts } from '../http.ts';
import { type Invoked, ThrottledError } from './lambda-function.ts';

/** AWS::Lambda::EventInvokeConfig. */
export interface AsyncConfig {
  readonly retriesMax: number;
  readonly ageSecondsMax: number;
  /** ARN of the queue that gets what failed for good. */
  readonly onFailureArn: string | undefined;
}

export const defaultAsyncConfig: AsyncConfig = {
  retriesMax: 2,
  ageSecondsMax: 21_600,
  onFailureArn: undefined,
};

export interface AsyncPolicy {
  /** Pause before the second attempt; each later one is twice as long. Lambda waits 60 s and 120 s. */
  readonly retryMsBase: number;
  /** Pause after a throttled attempt, which costs none. Lambda backs off from 1 s to 5 min. */
  readonly throttleMs: number;
  readonly sendToQueue: (arn: string, body: string) => Promise<void>;
}

interface Request {
  readonly config: AsyncConfig;
  /** Function ARN with the qualifier that was invoked. */
  readonly arn: string;
  readonly payload: Buffer;
  readonly invoke: () => Promise<Invoked>;
}

type Condition = 'RetriesExhausted' | 'EventAgeExceeded';

export class AsyncInvoker {
  readonly #policy: AsyncPolicy;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** Finished invocations: `succeeded`, `failed` (after the last attempt), `stopped`. */
  readonly outcomes = new Counts();

  constructor(policy: AsyncPolicy) {
    this.#policy = policy;
  }

  accept(request: Request): void {
    const run = this.#run(request).then((outcome) => {
      this.outcomes.add(outcome);
      this.#running.delete(run);
    });
    this.#running.add(run);
  }

  /** No more attempts. Resolves when those under way have ended: stop the functions as well. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  async #run(request: Request): Promise<'succeeded' | 'failed' | 'stopped'> {
    const startMs = performance.now();
    for (let attempts = 0; ; ) {
      const result = await attempt(request);
      if (result !== 'throttled') attempts += 1;
      if (result !== 'throttled' && result?.kind === 'success') return 'succeeded';
      if (this.#stopping.signal.aborted) return 'stopped';
      const failure = result === 'throttled' ? null : result;
      if (attempts > request.config.retriesMax)
        return this.#fail(request, failure, attempts, 'RetriesExhausted');
      const pauseMs =
        failure === null ? this.#policy.throttleMs : this.#policy.retryMsBase * 2 ** (attempts - 1);
      const tooOld = performance.now() + pauseMs - startMs > request.config.ageSecondsMax * 1000;
      if (tooOld) return this.#fail(request, failure, attempts, 'EventAgeExceeded');
      await sleep(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
    }
  }

  async #fail(
    request: Request,
    failure: Invoked | null,
    attempts: number,
    condition: Condition,
  ): Promise<'failed'> {
    const { onFailureArn } = request.config;
    if (onFailureArn === undefined) return 'failed';
    const record = {
      version: '1.0',
      timestamp: new Date().toISOString(),
      requestContext: {
        requestId: failure?.requestId ?? '',
        functionArn: request.arn,
        condition,
        approximateInvokeCount: attempts,
      },
      requestPayload: JSON.parse(request.payload.toString()),
      ...(failure === null
        ? {}
        : {
            responseContext: {
              statusCode: 200,
              executedVersion: failure.executedVersion,
              functionError: 'Unhandled',
            },
            responsePayload: JSON.parse(failure.payload.toString()),
          }),
    };
    await this.#policy.sendToQueue(onFailureArn, JSON.stringify(record)).catch(() => {});
    return 'failed';
  }
}

async function attempt(request: Request): Promise<Invoked | 'throttled' | null> {
  try {
    return await request.invoke();
  } catch (error) {
    return error instanceof ThrottledError ? 'throttled' : null;
  }
}
