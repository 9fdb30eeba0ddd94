/** CloudWatch's alarms: handed on as they are made and changed; whoever asked for them evaluates them. */
import { arnOf, type ResourceHandler } from './resource.ts';

const putAlarm: ResourceHandler['create'] = async ({ logicalId, properties }, { onAlarm }) => {
  onAlarm(logicalId, properties);
  return { ref: logicalId, attributes: { Arn: arnOf('cloudwatch', `alarm:${logicalId}`) } };
};

export const alarm: ResourceHandler = {
  properties: [
    'AlarmDescription',
    'ComparisonOperator',
    'DatapointsToAlarm',
    'Dimensions',
    'EvaluationPeriods',
    'ExtendedStatistic',
    'MetricName',
    'Metrics',
    'Namespace',
    'Period',
    'Statistic',
    'Threshold',
    'ThresholdMetricId',
    'TreatMissingData',
  ],
  create: putAlarm,
  update: putAlarm,
};
