import type { MetricName } from '../metric-names.ts';
import type { LogFields, LogLevel, Telemetry } from '../ports.ts';

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** Keeps logs and metrics for a test to look at. */
export class MemoryTelemetry implements Telemetry {
  readonly #lines: LogLine[] = [];
  readonly #values = new Map<MetricName, number[]>();

  log(level: LogLevel, message: string, fields: LogFields = {}): void {
    this.#lines.push({ level, message, fields });
  }

  record(metric: MetricName, value: number): void {
    const values = this.#values.get(metric);
    if (values === undefined) this.#values.set(metric, [value]);
    else values.push(value);
  }

  /** Lines in order, of one level if given. */
  lines(level?: LogLevel): readonly LogLine[] {
    return this.#lines.filter((line) => level === undefined || line.level === level);
  }

  /** What was recorded under this name, in order. */
  values(metric: MetricName): readonly number[] {
    return [...(this.#values.get(metric) ?? [])];
  }

  sum(metric: MetricName): number {
    return this.values(metric).reduce((total, value) => total + value, 0);
  }
}
