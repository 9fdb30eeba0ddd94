import type { Clock, Random } from '../../../lib/ports.ts';

/** A lognormal distribution by two of its quantiles, ms. */
export interface Latency {
  readonly p50: number;
  readonly p95: number;
}

/** What a call of each service takes, as seen from a Lambda function in the same region. Assumptions, not measurements. */
export const latencies = {
  s3Put: { p50: 25, p95: 60 },
  s3Get: { p50: 15, p95: 40 },
  dynamoDb: { p50: 4, p95: 10 },
  sqsSend: { p50: 8, p95: 20 },
  /** From the queue into a warm function. */
  sqsToLambda: { p50: 15, p95: 40 },
  sqsDelete: { p50: 5, p95: 15 },
  eventBridgePut: { p50: 10, p95: 30 },
  /** From PutEvents to what a consumer gets of it. */
  eventBridgeHop: { p50: 130, p95: 220 },
} as const satisfies Readonly<Record<string, Latency>>;

/** Work of a producer, ms: for each batch, and for each record in it (docs/performance.md has what was measured). */
export const cpuMs = { batch: 1, record: 0.05 } as const;

/** The 95th percentile of the standard normal distribution. */
const z95 = 1.6449;

/** Waits of a service, drawn one after the other. */
export class Delays {
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  draw({ p50, p95 }: Latency): number {
    // Box and Muller: two uniform numbers make a normal one.
    const radius = Math.sqrt(-2 * Math.log(1 - this.#random.uniform()));
    const normal = radius * Math.cos(2 * Math.PI * this.#random.uniform());
    return p50 * Math.exp((Math.log(p95 / p50) / z95) * normal);
  }

  wait(latency: Latency): Promise<void> {
    return this.#clock.sleep(this.draw(latency));
  }

  /** Takes effect half way: what others did in the first half is seen, and they see this in the second. */
  async around<T>(latency: Latency, call: () => Promise<T>): Promise<T> {
    const half = this.draw(latency) / 2;
    await this.#clock.sleep(half);
    const result = await call();
    await this.#clock.sleep(half);
    return result;
  }
}
