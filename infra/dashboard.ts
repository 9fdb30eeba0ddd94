import { Duration } from 'aws-cdk-lib';
import {
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  MathExpression,
  type Metric,
  SingleValueWidget,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import { type MetricName, metrics } from '../lib/metric-names.ts';
import type { ContainerService } from './container-service.ts';
import type { Ingestion } from './ingestion.ts';
import { datasetMetric, minute, searchMetric, statisticsOf } from './metrics.ts';
import { prices } from './prices.ts';
import type { ServiceFunction } from './service-function.ts';
import type { Storage } from './storage.ts';

/** Where a metric is shown; what is named nowhere is shown at the end. */
const sections: Readonly<Record<string, readonly MetricName[]>> = {
  Writing: [
    'MessagesReceived',
    'MutationsReceived',
    'MutationsApplied',
    'MutationsSuperseded',
    'MutationsQuarantined',
    'MessagesFailed',
    'QueueToCommitMs',
    'CycleDurationMs',
  ],
  Versions: [
    'Commits',
    'CommitConflicts',
    'CommitsUnknown',
    'AnnouncementsFailed',
    'DeltaBytes',
    'SnapshotBytes',
    'SnapshotsWritten',
    'ChainLength',
    'RecordCount',
  ],
  Reading: [
    'PropagationLagMs',
    'RefreshDurationMs',
    'RefreshesFailed',
    'HeadAgeMs',
    'DeltasApplied',
    'SnapshotsLoaded',
    'StateVersion',
    'Lookups',
    'MemoryUsedPercent',
  ],
};

const columns = 4;
const width = 24 / columns;

/** One page that answers: is it well, how fast is it, what does it cost. Every metric that the library emits is on it. */
export class Dashboard extends Construct {
  readonly dashboard: CloudWatchDashboard;
  readonly #dataset: string;

  constructor(scope: Construct, id: string, dataset: string) {
    super(scope, id);
    this.#dataset = dataset;
    this.dashboard = new CloudWatchDashboard(this, 'Dashboard', { defaultInterval: Duration.hours(3) });
    const named = new Set(Object.values(sections).flat());
    const others = metricNames.filter((name) => !named.has(name));
    for (const [title, names] of Object.entries({ ...sections, Other: others })) {
      this.#addRows(
        title,
        names.map((name) => this.#widgetOf(name)),
      );
    }
  }

  addPartition({ partition, mutationQueue, deadLetterQueue, quarantineQueue, lateQueue }: Ingestion): void {
    const waiting = { period: minute, statistic: Stats.MAXIMUM };
    const graph = (title: string, ...left: IMetric[]) => new GraphWidget({ title, left, width });
    this.#addRows(`Queue of partition ${partition}`, [
      graph('messages waiting', mutationQueue.metricApproximateNumberOfMessagesVisible(waiting)),
      graph('age of the oldest, s', mutationQueue.metricApproximateAgeOfOldestMessage(waiting)),
      graph('messages sent', mutationQueue.metricNumberOfMessagesSent({ period: minute })),
      graph(
        'set aside',
        deadLetterQueue.metricApproximateNumberOfMessagesVisible({ ...waiting, label: 'dead letters' }),
        quarantineQueue.metricApproximateNumberOfMessagesVisible({ ...waiting, label: 'quarantine' }),
        lateQueue.metricApproximateNumberOfMessagesVisible({ ...waiting, label: 'late' }),
      ),
    ]);
  }

  addFunction(title: string, { alias }: ServiceFunction): void {
    const period = minute;
    const durations = ['p50', 'p95', 'p99'].map((statistic) =>
      alias.metricDuration({ period, statistic, label: statistic }),
    );
    this.#addRows(`Function ${title}`, [
      new GraphWidget({ title: 'invocations', left: [alias.metricInvocations({ period })], width }),
      new GraphWidget({ title: 'errors', left: [alias.metricErrors({ period })], width }),
      new GraphWidget({ title: 'duration, ms', left: durations, width }),
      new GraphWidget({ title: 'throttled', left: [alias.metricThrottles({ period })], width }),
    ]);
  }

  addContainers(title: string, { service, loadBalancer }: ContainerService): void {
    const period = minute;
    const { metrics: answers } = loadBalancer;
    const times = ['p50', 'p95', 'p99'].map((statistic) =>
      answers.targetResponseTime({ period, statistic, label: statistic }),
    );
    const failed = answers.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, { period });
    this.#addRows(`Containers ${title}`, [
      new GraphWidget({ title: 'requests', left: [answers.requestCount({ period })], width }),
      new GraphWidget({ title: 'failed', left: [failed], width }),
      new GraphWidget({ title: 'response time, s', left: times, width }),
      new GraphWidget({
        title: 'processor and memory, %',
        left: [service.metricCpuUtilization({ period }), service.metricMemoryUtilization({ period })],
        width,
      }),
    ]);
  }

  /** What one day costs, as far as it grows with use: stored bytes, alarms and logs are not in it. */
  addCost(storage: Storage, partitions: readonly Ingestion[]): void {
    const period = Duration.days(1);
    const daily = { period, statistic: Stats.SUM };
    const terms = partitions.flatMap(({ partition, producer, mutationQueue, memorySizeMb }) => {
      const p = String(partition);
      return [
        { id: `calls${p}`, metric: producer.alias.metricInvocations(daily), price: prices.lambdaRequest },
        {
          id: `duration${p}`,
          metric: producer.alias.metricDuration(daily),
          price: (prices.lambdaGigabyteSecond * memorySizeMb) / 1024 / 1000,
        },
        // Each message is sent, received and deleted.
        {
          id: `messages${p}`,
          metric: mutationQueue.metricNumberOfMessagesSent(daily),
          price: 3 * prices.sqsRequest,
        },
      ];
    });
    const commits: Metric = datasetMetric(this.#dataset, 'producer', 'Commits', daily);
    const read = storage.table.metricConsumedReadCapacityUnits(daily);
    const written = storage.table.metricConsumedWriteCapacityUnits(daily);
    // A commit is a delta with its part, and an announcement.
    const all = [
      ...terms,
      { id: 'commits', metric: commits, price: 2 * prices.s3Put + prices.eventPublished },
      { id: 'read', metric: read, price: prices.dynamoDbReadUnit },
      { id: 'written', metric: written, price: prices.dynamoDbWriteUnit },
    ];
    const cost = new MathExpression({
      expression: all.map(({ id, price }) => `${price.toFixed(12)} * FILL(${id}, 0)`).join(' + '),
      usingMetrics: Object.fromEntries(all.map(({ id, metric }) => [id, metric])),
      label: 'USD a day',
      period,
    });
    this.#addRows('Cost', [new SingleValueWidget({ title: 'writing, estimate', metrics: [cost], width })]);
  }

  #widgetOf(name: MetricName): IWidget {
    return new GraphWidget({
      title: metrics[name] === 'Count' ? name : `${name} (${metrics[name]})`,
      left: statisticsOf(name).map((statistic) => searchMetric(this.#dataset, name, statistic)),
      width,
    });
  }

  #addRows(title: string, widgets: readonly IWidget[]): void {
    if (widgets.length === 0) return;
    this.dashboard.addWidgets(new TextWidget({ markdown: `## ${title}`, width: 24, height: 1 }));
    for (let i = 0; i < widgets.length; i += columns) {
      this.dashboard.addWidgets(...widgets.slice(i, i + columns));
    }
  }
}

const metricNames = Object.keys(metrics).filter((name): name is MetricName => name in metrics);
