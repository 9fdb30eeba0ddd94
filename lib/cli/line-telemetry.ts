import { type MetricName, metricNamespace, metrics } from '../metric-names.ts';
import type { Clock, LogFields, LogLevel, Telemetry } from '../ports.ts';

export interface LineTelemetryOptions {
  readonly service: string;
  readonly dataset: string;
  readonly clock: Clock;
  readonly write: (line: string) => void;
}

/** Logs and metrics of a long-lived process: a JSON line each, metrics in CloudWatch's embedded format. */
export class LineTelemetry implements Telemetry {
  readonly #options: LineTelemetryOptions;

  constructor(options: LineTelemetryOptions) {
    this.#options = options;
  }

  log(level: LogLevel, message: string, fields: LogFields = {}): void {
    this.#write({ level: level.toUpperCase(), message, ...fields });
  }

  record(metric: MetricName, value: number): void {
    const { service, dataset, clock } = this.#options;
    this.#write({
      _aws: {
        Timestamp: clock.nowMs(),
        CloudWatchMetrics: [
          {
            Namespace: metricNamespace,
            Dimensions: [['dataset', 'service']],
            Metrics: [{ Name: metric, Unit: metrics[metric] }],
          },
        ],
      },
      service,
      dataset,
      [metric]: value,
    });
  }

  #write(content: Readonly<Record<string, unknown>>): void {
    const { service, dataset, clock, write } = this.#options;
    const timestamp = new Date(clock.nowMs()).toISOString();
    write(`${JSON.stringify({ timestamp, service, dataset, ...content }, replace)}\n`);
  }
}

/** Errors and bigints as JSON. */
function replace(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (!(value instanceof Error)) return value;
  const { name, message, stack, cause } = value;
  const details = 'details' in value ? value.details : undefined;
  const kind = 'kind' in value ? value.kind : undefined;
  return { name, message, kind, details, stack, cause };
}
