import { DatasetError, isDatasetError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Clock, Random, Telemetry } from '../ports.ts';

export interface RetryPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
}

/**
 * Repeats what failed, after random pauses that grow, and bounds the repeats of all partitions together: when everything
 * fails, a sender must not send several times what it would send otherwise. Each repeat takes one of the budget; each call that
 * succeeds brings back a part of one.
 */
export class RetryBudget {
  readonly #ports: RetryPorts;
  #left: number = limits.sendRetriesMax;

  constructor(ports: RetryPorts) {
    this.#ports = ports;
  }

  /**
   * Calls until it succeeds. Only `unavailable` is worth another attempt.
   *
   * @throws DatasetError of the last attempt
   */
  async run<T>(call: () => Promise<T>): Promise<T> {
    const { clock, random, telemetry } = this.#ports;
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await call();
        this.#left = Math.min(limits.sendRetriesMax, this.#left + 1 / limits.sendsPerRetry);
        return result;
      } catch (error) {
        if (!isDatasetError(error, 'unavailable') || attempt === limits.sendAttemptsMax) throw error;
        if (this.#left < 1) {
          throw new DatasetError('unavailable', `no repeats left: ${error.message}`, { attempt }, error);
        }
        this.#left -= 1;
        telemetry.record('SendsRepeated', 1);
        telemetry.log('warn', 'messages could not be sent and are sent again', { error, attempt });
        const boundMs = Math.min(limits.sendBackoffCapMs, limits.sendBackoffBaseMs * 2 ** (attempt - 1));
        await clock.sleep(random.uniform() * boundMs);
      }
    }
  }
}
