import { CfnServiceLevelObjective } from 'aws-cdk-lib/aws-applicationsignals';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { ApplicationLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import { serviceGoals } from '../lib/health-rules.ts';
import { type MetricName, metricNamespace } from '../lib/metric-names.ts';
import type { ServiceFunction } from './service-function.ts';

interface Counts {
  readonly namespace: string;
  readonly dimensions: { readonly name: string; readonly value: string }[];
  readonly total: string;
  readonly bad: string;
}

const goal = (attainment: number): CfnServiceLevelObjective.GoalProperty => ({
  attainmentGoal: attainment,
  warningThreshold: 50,
  interval: { rollingInterval: { duration: 28, durationUnit: 'DAY' } },
});

/** The promises of a dataset with their error budgets over 28 days. */
export class ServiceLevels extends Construct {
  readonly #dataset: string;
  readonly #label: string;

  constructor(scope: Construct, id: string, dataset: string) {
    super(scope, id);
    this.#dataset = dataset;
    // Names of objectives have no slash.
    this.#label = `${this.node.addr.slice(-8)}-${dataset.replace('/', '.')}`;
    this.#addErrorRate();
    this.#addLag();
  }

  /** Of the callers of a consumer function: how many get an answer. */
  addAvailability(id: string, { function: { functionName } }: ServiceFunction): void {
    this.#addAnswers(id, `Invocations of ${id} that are answered`, {
      namespace: 'AWS/Lambda',
      dimensions: [{ name: 'FunctionName', value: functionName }],
      total: 'Invocations',
      bad: 'Errors',
    });
  }

  /** The same, of the callers of a service of containers. */
  addAnswers(id: string, { loadBalancerFullName }: ApplicationLoadBalancer): void {
    this.#addAnswers(id, `Requests to ${id} that are answered`, {
      namespace: 'AWS/ApplicationELB',
      dimensions: [{ name: 'LoadBalancer', value: loadBalancerFullName }],
      total: 'RequestCount',
      bad: 'HTTPCode_Target_5XX_Count',
    });
  }

  #addAnswers(id: string, description: string, { namespace, dimensions, total, bad }: Counts): void {
    const metricOf = (metricName: string) => ({
      id: metricName.toLowerCase(),
      returnData: true,
      metricStat: { metric: { namespace, metricName, dimensions }, period: 60, stat: Stats.SUM },
    });
    new CfnServiceLevelObjective(this, `${id}Availability`, {
      name: `${this.#label}-${id}-availability`,
      description,
      requestBasedSli: {
        requestBasedSliMetric: {
          totalRequestCountMetric: [metricOf(total)],
          monitoredRequestCountMetric: { badCountMetric: [metricOf(bad)] },
        },
      },
      goal: goal(100 * serviceGoals.availability),
    });
  }

  /** Messages that do not get in at the first attempt; the queue brings them again. */
  #addErrorRate(): void {
    new CfnServiceLevelObjective(this, 'ErrorRate', {
      name: `${this.#label}-errors`,
      description: 'Messages that the producer commits at the first attempt',
      requestBasedSli: {
        requestBasedSliMetric: {
          totalRequestCountMetric: [this.#query('MessagesReceived', 'producer', Stats.SUM)],
          monitoredRequestCountMetric: {
            badCountMetric: [this.#query('MessagesFailed', 'producer', Stats.SUM)],
          },
        },
      },
      goal: goal(100 * (1 - serviceGoals.errorRateMax)),
    });
  }

  #addLag(): void {
    new CfnServiceLevelObjective(this, 'Lag', {
      name: `${this.#label}-lag`,
      description: 'Minutes in which new versions reach consumers in time',
      sli: {
        comparisonOperator: 'LessThanOrEqualTo',
        metricThreshold: serviceGoals.propagationLagMsMax,
        sliMetric: { metricDataQueries: [this.#query('PropagationLagMs', 'consumer', 'p99')] },
      },
      goal: goal(100 * serviceGoals.availability),
    });
  }

  #query(metricName: MetricName, service: string, stat: string) {
    const dimensions = [
      { name: 'service', value: service },
      { name: 'dataset', value: this.#dataset },
    ];
    return {
      id: metricName.toLowerCase(),
      returnData: true,
      metricStat: { metric: { namespace: metricNamespace, metricName, dimensions }, period: 60, stat },
    };
  }
}
