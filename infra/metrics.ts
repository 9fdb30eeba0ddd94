import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { healthBounds } from '../lib/health-rules.ts';
import { type MetricName, metricNamespace, metrics } from '../lib/metric-names.ts';

export const minute = Duration.minutes(1);

/** A metric of the library, as one service (function or program) emits it for a dataset. */
export function datasetMetric(
  dataset: string,
  service: string,
  name: MetricName,
  options: MetricOptions = {},
): Metric {
  return new Metric({
    namespace: metricNamespace,
    metricName: name,
    dimensionsMap: { service, dataset },
    statistic: statisticsOf(name)[0] ?? Stats.SUM,
    period: minute,
    ...options,
  });
}

/** A metric over all services of a dataset, for graphs: alarms cannot search. */
export function searchMetric(dataset: string, name: MetricName, statistic: string): MathExpression {
  const search = `{${metricNamespace},dataset,service} MetricName="${name}" dataset="${dataset}"`;
  return new MathExpression({
    expression: `SEARCH('${search}', '${statistic}', 60)`,
    usingMetrics: {},
    label: statistic,
    period: minute,
  });
}

/** What is worth seeing of a metric follows from its unit. */
export function statisticsOf(name: MetricName): readonly string[] {
  switch (metrics[name]) {
    case 'Milliseconds':
      return ['p99', 'p95', 'p50'];
    case 'Bytes':
      return [Stats.MAXIMUM, Stats.AVERAGE];
    case 'Percent':
      return [Stats.MAXIMUM];
    case 'Count':
      return levels.has(name) ? [Stats.MAXIMUM] : [Stats.SUM];
  }
}

/** Counts that say how much there is, not how much happened: their sum means nothing. */
const levels = new Set<MetricName>(['ChainLength', 'RecordCount', 'StateVersion']);

/** Percent of failed operations; 0 while there are too few to speak of a rate, as in lib/rate-window.ts. */
export function failureRate(failed: Metric, total: Metric, period: Duration): MathExpression {
  return new MathExpression({
    expression: `IF(total >= ${healthBounds.operationsMin}, 100 * failed / total, 0)`,
    usingMetrics: { failed, total },
    label: 'failed, %',
    period,
  });
}
