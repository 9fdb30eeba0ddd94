import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { metricNamespace, metrics as metricUnits } from '../lib/metric-names.ts';
import type { Telemetry } from '../lib/ports.ts';

/** Logs as JSON lines and metrics in CloudWatch's embedded format, both on standard output. */
export interface LambdaTelemetry extends Telemetry {
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** @param service name of the function; the first dimension of its metrics */
export function createTelemetry(service: string, dataset: string): LambdaTelemetry {
  const logger = new Logger({ serviceName: service, persistentKeys: { dataset } });
  const metrics = new Metrics({
    namespace: metricNamespace,
    serviceName: service,
    defaultDimensions: { dataset },
  });
  return {
    logger,
    metrics,
    log(level, message, fields = {}) {
      logger[level](message, { ...fields });
    },
    record(metric, value) {
      metrics.addMetric(metric, metricUnits[metric], value);
    },
  };
}
