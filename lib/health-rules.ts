/**
 * When a producer or a consumer counts as well. What a process says of itself under `/health`, and the alarms that infra
 * makes, come from these numbers, so they cannot disagree (docs/adr/0010-health.md).
 */
export const healthBounds = {
  /** A consumer that has not seen the head for longer is not doing its work. A head without news is activity. */
  consumerIdleMsMax: 30_000,
  /** A producer whose oldest message waits longer, or that has not heard from its queue for longer, is not doing its work. */
  producerIdleMsMax: 60_000,
  /** Share of {@link healthBounds.pendingMessagesMax} from which what waits is too much. */
  pendingShareMax: 0.9,
  /** Messages that may wait in one partition's queue. */
  pendingMessagesMax: 100_000,
  /** Share of failed operations. */
  errorRateMax: 0.05,
  /** Over this time. */
  errorWindowMs: 300_000,
  /** Operations in that time from which there is a rate: one failure among few says nothing. */
  operationsMin: 10,
  /** Share of the memory that the process may have. */
  memoryShareMax: 0.8,
  /** How often a long-lived process tells how it is. */
  heartbeatMs: 15_000,
} as const;

/** What users of a dataset are promised, and what the error budgets are counted by. */
export const serviceGoals = {
  /** Share of minutes in which what is asked of a consumer is answered. */
  availability: 0.999,
  /** Share of messages that do not get in at the first attempt. */
  errorRateMax: 0.001,
  /** From the commit to a consumer that serves it, 99th percentile. */
  propagationLagMsMax: 10_000,
} as const;

/** `degraded`: it works, but a person should look. `unhealthy`: it does not do its work. */
export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy';

/** What {@link judgeHealth} judges. */
export interface Vitals {
  /** Time since the last activity that succeeded, ms; null: there was none. */
  readonly idleMs: number | null;
  readonly idleMsMax: number;
  /** 0 to 1. */
  readonly errorRate: number;
  /** 0 to 1. */
  readonly memoryShare: number;
}

/** The result of {@link judgeHealth}. */
export interface Health {
  readonly status: HealthStatus;
  /** One for each bound that is broken; empty when healthy. */
  readonly reasons: readonly string[];
}

/**
 * @example
 * judgeHealth({ idleMs: 31_000, idleMsMax: healthBounds.consumerIdleMsMax, errorRate: 0, memoryShare: 0.5 })
 * // { status: 'unhealthy', reasons: ['no activity for 31 s, at most 30 s'] }
 */
export function judgeHealth({ idleMs, idleMsMax, errorRate, memoryShare }: Vitals): Health {
  const { errorRateMax, memoryShareMax } = healthBounds;
  const idle =
    idleMs === null
      ? ['no activity yet']
      : idleMs > idleMsMax
        ? [`no activity for ${Math.floor(idleMs / 1000)} s, at most ${idleMsMax / 1000} s`]
        : [];
  const worn = [
    ...(errorRate > errorRateMax
      ? [`error rate ${percent(errorRate)}, at most ${percent(errorRateMax)}`]
      : []),
    ...(memoryShare > memoryShareMax
      ? [`memory ${percent(memoryShare)}, at most ${percent(memoryShareMax)}`]
      : []),
  ];
  const status = idle.length > 0 ? 'unhealthy' : worn.length > 0 ? 'degraded' : 'healthy';
  return { status, reasons: [...idle, ...worn] };
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}
