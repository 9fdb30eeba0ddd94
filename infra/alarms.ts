import { Duration, Lazy } from 'aws-cdk-lib';
import {
  Alarm,
  AnomalyDetectionAlarm,
  ComparisonOperator,
  CompositeAlarm,
  type IMetric,
  MathExpression,
  Metric,
  type MetricOptions,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { type ApplicationLoadBalancer, HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Alias } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { healthBounds, serviceGoals } from '../lib/health-rules.ts';
import { limits } from '../lib/limits.ts';
import type { MetricName } from '../lib/metric-names.ts';
import { type AlarmMeaning, type AlarmName, alarmMeanings, runbookAnchor } from './alarm-meanings.ts';
import type { Ingestion } from './ingestion.ts';
import { datasetMetric, failureRate, minute } from './metrics.ts';
import type { ServiceFunction } from './service-function.ts';
import { type ReplicaPlace, replicationRuleId, type Storage } from './storage.ts';

/** Who hears of what. An alarm that nobody is named for is seen in the console only. */
export interface AlarmTopics {
  readonly page?: ITopic;
  readonly ticket?: ITopic;
  /** Default: as `ticket`. */
  readonly data?: ITopic;
}

export interface AlarmsProps {
  readonly dataset: string;
  /** Where docs/operations.md can be read; an alarm's description ends with a link into it. */
  readonly runbooks: string;
  readonly topics: AlarmTopics;
}

interface Condition {
  readonly metric: IMetric;
  /** Alarms above it; of a silence there is none. */
  readonly threshold: number | 'silence';
  /** Periods in a row. */
  readonly periods: number;
}

interface Group {
  readonly severity: AlarmMeaning['severity'];
  /** Absent: both. */
  readonly side?: AlarmMeaning['side'];
  readonly topic: ITopic | undefined;
  /** While it is on, this group is silent. */
  readonly suppressor?: CompositeAlarm;
}

/** Well within what stays readable for readers that lag. */
const replicationSecondsMax = 900;
const fiveMinutes = Duration.minutes(5);

/**
 * An alarm for each thing that can go wrong, and one for each group that a person hears of: one cause, one page. While
 * nothing is written, what readers miss because of it does not page again.
 */
export class Alarms extends Construct {
  readonly #props: AlarmsProps;
  /** What takes settings back that are being deployed. */
  readonly settingsMonitors: readonly Alarm[];
  readonly #all: { readonly meaning: AlarmMeaning; readonly alarm: Alarm }[] = [];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    this.#props = props;
    this.settingsMonitors = this.#watchCommits();
    this.#watchReader('consumer', '');
    const { topics } = props;
    const writing = this.#group('WritingPage', { severity: 'page', side: 'writing', topic: topics.page });
    this.#group('ReadingPage', {
      severity: 'page',
      side: 'reading',
      topic: topics.page,
      suppressor: writing,
    });
    this.#group('Ticket', { severity: 'ticket', topic: topics.ticket });
    this.#group('Data', { severity: 'data', topic: topics.data ?? topics.ticket });
  }

  /** Queues and producer of a partition. */
  watchPartition({
    partition,
    mutationQueue,
    deadLetterQueue,
    quarantineQueue,
    lateQueue,
    producer,
  }: Ingestion): void {
    const of = partition === 0 ? '' : String(partition);
    const { producerIdleMsMax, pendingShareMax, pendingMessagesMax } = healthBounds;
    this.#add('MutationsWait', of, {
      metric: mutationQueue.metricApproximateAgeOfOldestMessage({ period: minute, statistic: Stats.MAXIMUM }),
      threshold: producerIdleMsMax / 1000,
      periods: 3,
    });
    this.#add('MutationsPile', of, {
      metric: mutationQueue.metricApproximateNumberOfMessagesVisible({
        period: minute,
        statistic: Stats.MAXIMUM,
      }),
      threshold: pendingShareMax * pendingMessagesMax,
      periods: 5,
    });
    const waiting = { period: minute, statistic: Stats.MAXIMUM };
    this.#add('DeadLetters', of, {
      metric: deadLetterQueue.metricApproximateNumberOfMessagesVisible(waiting),
      threshold: 0,
      periods: 1,
    });
    this.#add('Quarantine', of, {
      metric: quarantineQueue.metricApproximateNumberOfMessagesVisible(waiting),
      threshold: 0,
      periods: 1,
    });
    this.#add('LateMutations', of, {
      metric: lateQueue.metricApproximateNumberOfMessagesVisible(waiting),
      threshold: 0,
      periods: 1,
    });
    this.#addFailures('ProducerFails', of, producer);
  }

  /** Of a partition. Their runs are few, so that each failure counts. */
  watchHousekeeping(...functions: readonly ServiceFunction[]): void {
    const hourly = { period: Duration.hours(1), statistic: Stats.SUM };
    for (const { node, alias } of functions) {
      const metric = alias.metricErrors(hourly);
      this.#add('HousekeepingFails', node.path.split('/').slice(-2).join(''), {
        metric,
        threshold: 1,
        periods: 2,
      });
    }
  }

  watchOutbox({ alias }: ServiceFunction): void {
    const metric = alias.metric('IteratorAge', { period: minute, statistic: Stats.MAXIMUM });
    this.#add('OutboxLags', '', { metric, threshold: healthBounds.producerIdleMsMax, periods: 5 });
  }

  watchConsumer(id: string, consumer: ServiceFunction): void {
    this.#addFailures('ConsumerFails', id, consumer);
  }

  /**
   * What rolls a deployment back: sooner than {@link watchConsumer}, and with less to go by. A tenth of the traffic does
   * not show in the failures of all of it, so the new version is judged by its own; what callers get over both versions,
   * when one harms the other or all of the traffic moves at once, is watched beside it.
   */
  watchRollout(id: string, { alias, function: target }: ServiceFunction): readonly Alarm[] {
    const options = { period: minute, statistic: Stats.SUM };
    // Counted while the alias leads to two versions. Whether it is afterwards, Lambda's documents leave open.
    const dimensionsMap = {
      FunctionName: target.functionName,
      Resource: `${target.functionName}:${alias.aliasName}`,
      ExecutedVersion: target.currentVersion.version,
    };
    return [
      this.#addSuddenFailures('NewVersionFails', id, alias, { ...options, dimensionsMap }),
      this.#addSuddenFailures('RolloutFails', id, alias, options),
    ];
  }

  /** A service of containers, by what it calls itself. @returns what rolls a deployment back */
  watchContainers(service: string, loadBalancer: ApplicationLoadBalancer): Alarm {
    const of = (name: MetricName, statistic?: string) => this.#metric(service, name, statistic);
    const options = { period: minute, statistic: Stats.SUM };
    const { metrics } = loadBalancer;
    this.#add('HeadAge', service, {
      metric: of('HeadAgeMs', Stats.MAXIMUM),
      threshold: healthBounds.consumerIdleMsMax,
      periods: 3,
    });
    this.#add('Heartbeat', service, {
      metric: of('MemoryUsedPercent', Stats.MAXIMUM),
      threshold: 'silence',
      periods: 3,
    });
    this.#watchReader(service, service);
    return this.#add('AnswersFail', service, {
      metric: failureRate(
        metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, options),
        metrics.requestCount(options),
        minute,
      ),
      threshold: 100 * healthBounds.errorRateMax,
      periods: 2,
    });
  }

  /** Of the home: how far S3 is behind with a replica, and what it could not copy. */
  watchReplica({ bucket }: Storage, { bucketName }: ReplicaPlace): void {
    const of = (metricName: string, statistic: string) =>
      new Metric({
        namespace: 'AWS/S3',
        metricName,
        dimensionsMap: {
          SourceBucket: bucket.bucketName,
          DestinationBucket: bucketName,
          RuleId: replicationRuleId,
        },
        statistic,
        period: minute,
      });
    this.#add('ReplicaLags', '', {
      metric: of('ReplicationLatency', Stats.MAXIMUM),
      threshold: replicationSecondsMax,
      periods: 5,
    });
    this.#add('ReplicaFails', '', {
      metric: of('OperationsFailedReplication', Stats.SUM),
      threshold: 0,
      periods: 1,
    });
  }

  watchUndelivered(metric: IMetric): void {
    this.#add('Undelivered', '', { metric, threshold: 0, periods: 1 });
  }

  /** Everything that the producers of all partitions say of themselves. */
  #watchCommits(): readonly Alarm[] {
    const of = (name: MetricName, statistic?: string, period = minute) =>
      this.#metric('producer', name, statistic, period);
    const messagesFail = this.#add('MessagesFail', '', {
      metric: failureRate(
        of('MessagesFailed', Stats.SUM, fiveMinutes),
        of('MessagesReceived', Stats.SUM, fiveMinutes),
        fiveMinutes,
      ),
      threshold: 100 * healthBounds.errorRateMax,
      periods: 1,
    });
    this.#add('ChainGrows', '', {
      metric: of('ChainLength'),
      threshold: Math.floor(healthBounds.pendingShareMax * limits.chainLengthMax),
      periods: 1,
    });
    const quarter = Duration.minutes(15);
    this.#add('Conflicts', '', {
      metric: failureRate(
        of('CommitConflicts', Stats.SUM, quarter),
        of('Commits', Stats.SUM, quarter),
        quarter,
      ),
      threshold: 100,
      periods: 2,
    });
    this.#add('AnnouncementsFail', '', { metric: of('AnnouncementsFailed'), threshold: 0, periods: 5 });
    this.#add('ProducerMemory', '', this.#memory('producer'));
    this.#addAnomaly();
    const settingsRefused = this.#add('SettingsRefused', '', {
      metric: of('SettingsRefused', Stats.SUM),
      threshold: 0,
      periods: 1,
    });
    return [messagesFail, settingsRefused];
  }

  /** Everything that consumers say of themselves: those in Lambda as one service, each service of containers as its own. */
  #watchReader(service: string, of: string): void {
    const metric = (name: MetricName) => this.#metric(service, name);
    this.#add('RefreshesFail', of, { metric: metric('RefreshesFailed'), threshold: 0, periods: 5 });
    this.#add('Lag', of, {
      metric: metric('PropagationLagMs'),
      threshold: serviceGoals.propagationLagMsMax,
      periods: 5,
    });
    this.#add('ConsumerMemory', of, this.#memory(service));
  }

  #memory(service: string): Condition {
    return {
      metric: this.#metric(service, 'MemoryUsedPercent'),
      threshold: 100 * healthBounds.memoryShareMax,
      periods: 3,
    };
  }

  #metric(service: string, name: MetricName, statistic?: string, period = minute) {
    return datasetMetric(this.#props.dataset, service, name, {
      period,
      ...(statistic === undefined ? {} : { statistic }),
    });
  }

  #addFailures(name: AlarmName, of: string, { alias }: ServiceFunction): void {
    const options = { period: fiveMinutes, statistic: Stats.SUM };
    this.#add(name, of, {
      metric: failureRate(alias.metricErrors(options), alias.metricInvocations(options), fiveMinutes),
      threshold: 100 * healthBounds.errorRateMax,
      periods: 1,
    });
  }

  /** Within one minute, and of few invocations two are enough. */
  #addSuddenFailures(name: AlarmName, of: string, alias: Alias, options: MetricOptions): Alarm {
    const { operationsMin, errorRateMax } = healthBounds;
    return this.#add(name, of, {
      metric: new MathExpression({
        expression: `IF(total >= ${operationsMin}, 100 * failed / total, IF(failed >= 2, 100, 0))`,
        usingMetrics: { failed: alias.metricErrors(options), total: alias.metricInvocations(options) },
        label: 'failed, %',
        period: minute,
      }),
      threshold: 100 * errorRateMax,
      periods: 1,
    });
  }

  /** Below three standard deviations of what the last two weeks lead to expect. */
  #addAnomaly(): void {
    const alarm = new AnomalyDetectionAlarm(this, 'RecordCount', {
      alarmDescription: this.#describe('RecordCount'),
      metric: this.#metric('producer', 'RecordCount', Stats.MINIMUM, Duration.minutes(15)),
      comparisonOperator: ComparisonOperator.LESS_THAN_LOWER_THRESHOLD,
      stdDevs: 3,
      evaluationPeriods: 2,
      treatMissingData: TreatMissingData.IGNORE,
    });
    this.#all.push({ meaning: alarmMeanings.RecordCount, alarm });
  }

  #add(name: AlarmName, of: string, { metric, threshold, periods }: Condition): Alarm {
    const alarm = new Alarm(this, `${name}${of}`, {
      alarmDescription: this.#describe(name),
      metric,
      evaluationPeriods: periods,
      ...(threshold === 'silence'
        ? {
            // What is said is never below zero.
            threshold: 0,
            comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
            treatMissingData: TreatMissingData.BREACHING,
          }
        : {
            threshold,
            comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
            // Nothing is said when nothing happens, and an idle dataset is a healthy one.
            treatMissingData: TreatMissingData.NOT_BREACHING,
          }),
    });
    this.#all.push({ meaning: alarmMeanings[name], alarm });
    return alarm;
  }

  #describe(name: AlarmName): string {
    const { dataset, runbooks } = this.#props;
    const { severity, meaning } = alarmMeanings[name];
    return `[${severity}] ${dataset}: ${meaning} What to do: ${runbooks}#${runbookAnchor(name)}`;
  }

  #group(id: string, { severity, side, topic, suppressor }: Group): CompositeAlarm {
    // Consumers may be added to the dataset until the very end.
    const rule = Lazy.string({
      produce: () =>
        this.#all
          .filter(
            ({ meaning }) => meaning.severity === severity && (side === undefined || meaning.side === side),
          )
          .map(({ alarm }) => `ALARM("${alarm.alarmArn}")`)
          .join(' OR '),
    });
    const group = new CompositeAlarm(this, id, {
      alarmDescription: `[${severity}] ${this.#props.dataset}${side === undefined ? '' : `, ${side}`}: see which of its alarms is on. ${this.#props.runbooks}`,
      alarmRule: { renderAlarmRule: () => rule },
      ...(suppressor === undefined
        ? {}
        : {
            actionsSuppressor: suppressor,
            actionsSuppressorWaitPeriod: Duration.minutes(2),
            actionsSuppressorExtensionPeriod: Duration.minutes(3),
          }),
    });
    if (topic !== undefined) {
      group.addAlarmAction(new SnsAction(topic));
      group.addOkAction(new SnsAction(topic));
    }
    return group;
  }
}
