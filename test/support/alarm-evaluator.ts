/**
 * CloudWatch's alarms on one machine: the alarms of a synthesized template, evaluated minute by minute over metrics that a
 * test writes. What the evaluator does not know in an alarm is an error, so no property is tested by being ignored.
 */
import { evaluateMath } from './metric-math.ts';

export type AlarmState = 'OK' | 'ALARM';

/** As they stand in a template; references are kept as they are. */
export interface TemplateResources {
  readonly [id: string]: { readonly Type: string; readonly Properties?: Readonly<Record<string, unknown>> };
}

interface MetricStat {
  readonly Metric: {
    readonly Namespace: string;
    readonly MetricName: string;
    readonly Dimensions?: readonly { readonly Name: string; readonly Value: unknown }[];
  };
  readonly Period: number;
  readonly Stat: string;
}

interface Query {
  readonly Id: string;
  readonly MetricStat?: MetricStat;
  readonly Expression?: string;
  readonly Period?: number;
  readonly ReturnData?: boolean;
}

interface AlarmProperties {
  readonly AlarmDescription: string;
  readonly ComparisonOperator: string;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm?: number;
  readonly Threshold?: number;
  readonly ThresholdMetricId?: string;
  readonly TreatMissingData: string;
  readonly Metrics?: readonly Query[];
  readonly Namespace?: string;
  readonly MetricName?: string;
  readonly Dimensions?: MetricStat['Metric']['Dimensions'];
  readonly Period?: number;
  readonly Statistic?: string;
  readonly ExtendedStatistic?: string;
}

const known = new Set(
  [
    'AlarmDescription,ComparisonOperator,EvaluationPeriods,DatapointsToAlarm,Threshold,ThresholdMetricId',
    'TreatMissingData,Metrics,Namespace,MetricName,Dimensions,Period,Statistic,ExtendedStatistic',
  ].flatMap((names) => names.split(',')),
);

/** One time series: `AWS/SQS ApproximateNumberOfMessagesVisible QueueName={...}`. */
export function seriesOf({ Metric }: MetricStat): string {
  const dimensions = (Metric.Dimensions ?? []).map(({ Name, Value }) => `${Name}=${JSON.stringify(Value)}`);
  return [Metric.Namespace, Metric.MetricName, ...dimensions.toSorted()].join(' ');
}

export class EvaluatedAlarm {
  readonly id: string;
  readonly properties: AlarmProperties;
  readonly #queries: readonly Query[];
  #state: AlarmState = 'OK';

  constructor(id: string, properties: AlarmProperties) {
    const unknown = Object.keys(properties).filter((name) => !known.has(name));
    if (unknown.length > 0) throw new Error(`${id}: the evaluator does not know ${unknown.join()}`);
    this.id = id;
    this.properties = properties;
    this.#queries = properties.Metrics ?? [
      { Id: 'only', ReturnData: true, MetricStat: simpleStat(properties) },
    ];
  }

  get state(): AlarmState {
    return this.#state;
  }

  get stats(): readonly MetricStat[] {
    return this.#queries.flatMap(({ MetricStat }) => MetricStat ?? []);
  }

  /** Minutes of one period. */
  get period(): number {
    return Math.max(...this.stats.map(({ Period }) => Period)) / 60;
  }

  /** At the end of a minute: what the alarm is now. */
  evaluate(store: MetricStore, minute: number): AlarmState {
    const { EvaluationPeriods: count, DatapointsToAlarm: needed = count, TreatMissingData } = this.properties;
    const breaches = Array.from({ length: count }, (_, i) => this.#breaches(store, minute - i * this.period));
    if (TreatMissingData === 'ignore' && breaches.includes(null)) return this.#state;
    const counted = breaches.filter((each) => each ?? TreatMissingData === 'breaching');
    this.#state = counted.length >= needed ? 'ALARM' : 'OK';
    return this.#state;
  }

  /** Whether the period that ends with this minute breaks the threshold; null: there are no data. */
  #breaches(store: MetricStore, minute: number): boolean | null {
    const { ComparisonOperator: operator, Threshold, ThresholdMetricId } = this.properties;
    const values = new Map<string, number | null>();
    for (const { Id, MetricStat } of this.#queries) {
      if (MetricStat !== undefined) values.set(Id, store.statistic(MetricStat, minute));
    }
    if (ThresholdMetricId !== undefined) return this.#leavesBand(store, minute);
    for (const { Id, Expression } of this.#queries) {
      if (Expression !== undefined) values.set(Id, evaluateMath(Expression, values));
    }
    const value = values.get(this.#queries.find(({ ReturnData }) => ReturnData !== false)?.Id ?? '') ?? null;
    if (value === null || Threshold === undefined) return null;
    if (operator === 'GreaterThanThreshold') return value > Threshold;
    if (operator === 'LessThanThreshold') return value < Threshold;
    throw new Error(`${this.id}: unknown operator ${operator}`);
  }

  /** A band of so many standard deviations around the mean of the day before. CloudWatch's model also knows seasons. */
  #leavesBand(store: MetricStore, minute: number): boolean | null {
    const [stat] = this.stats;
    const band = this.#queries.find(({ Id }) => Id === this.properties.ThresholdMetricId)?.Expression ?? '';
    const width = Number(/^ANOMALY_DETECTION_BAND\(\w+, (\d+)\)$/.exec(band)?.[1]);
    if (stat === undefined || !(width > 0)) throw new Error(`${this.id}: cannot read ${band}`);
    const value = store.statistic(stat, minute);
    const past: number[] = [];
    for (let m = minute - 1440; m < minute - this.period; m += this.period) {
      const earlier = store.statistic(stat, m);
      if (earlier !== null) past.push(earlier);
    }
    if (value === null || past.length < 10) return null;
    const mean = past.reduce((sum, each) => sum + each, 0) / past.length;
    const deviation = Math.sqrt(past.reduce((sum, each) => sum + (each - mean) ** 2, 0) / past.length);
    if (this.properties.ComparisonOperator !== 'LessThanLowerThreshold')
      throw new Error(`${this.id}: unknown`);
    return value < mean - width * deviation;
  }
}

function simpleStat(properties: AlarmProperties): MetricStat {
  const { Namespace, MetricName, Dimensions = [], Period, Statistic, ExtendedStatistic } = properties;
  const stat = Statistic ?? ExtendedStatistic;
  if (Namespace === undefined || MetricName === undefined || Period === undefined || stat === undefined) {
    throw new Error('an alarm has neither metrics nor a metric');
  }
  return { Metric: { Namespace, MetricName, Dimensions }, Period, Stat: stat };
}

/** Values by series and minute. */
export class MetricStore {
  readonly #values = new Map<string, Map<number, number[]>>();

  put(series: string, minute: number, ...values: readonly number[]): void {
    const minutes = this.#values.get(series) ?? new Map<number, number[]>();
    this.#values.set(series, minutes);
    minutes.set(minute, [...(minutes.get(minute) ?? []), ...values]);
  }

  /** Over the period that ends with this minute; null: no data. */
  statistic(stat: MetricStat, minute: number): number | null {
    const minutes = this.#values.get(seriesOf(stat));
    const values: number[] = [];
    for (let m = minute - stat.Period / 60 + 1; m <= minute; m++) values.push(...(minutes?.get(m) ?? []));
    if (values.length === 0) return null;
    if (stat.Stat === 'Sum') return values.reduce((sum, value) => sum + value, 0);
    if (stat.Stat === 'Maximum') return Math.max(...values);
    if (stat.Stat === 'Minimum') return Math.min(...values);
    const share = Number(/^p(\d+)$/.exec(stat.Stat)?.[1]) / 100;
    if (!(share > 0)) throw new Error(`unknown statistic ${stat.Stat}`);
    return values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? null;
  }
}

export function alarmsOf(resources: TemplateResources): readonly EvaluatedAlarm[] {
  return Object.entries(resources)
    .filter(([, { Type }]) => Type === 'AWS::CloudWatch::Alarm')
    .map(([id, { Properties }]) => new EvaluatedAlarm(id, Properties as unknown as AlarmProperties));
}
