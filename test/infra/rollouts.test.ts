import { Match, type Template } from 'aws-cdk-lib/assertions';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { beforeAll, describe, expect, it } from 'vitest';
import { healthBounds } from '../../lib/health-rules.ts';
import { parseDeployCheckSettings } from '../../lib/settings.ts';
import { allowedTo, resource, templateOf, templateWith } from './template.ts';

let template: Template;
beforeAll(() => {
  template = templateOf();
});

interface Aliased {
  readonly UpdatePolicy: {
    readonly CodeDeployLambdaAliasUpdate: Readonly<Record<string, { readonly Ref: string }>>;
  };
}

describe.each([
  ['Producer', 'batch'],
  ['Consumer', 'lookups'],
])('the alias of the %s', (id, probe) => {
  const check = () =>
    (
      resource(template, 'AWS::Lambda::Function', `Rollouts${id}Check`) as {
        Properties: { Environment: { Variables: Record<string, unknown> } };
      }
    ).Properties;

  it('moves in stages, after a check and before another', () => {
    const { UpdatePolicy } = resource(template, 'AWS::Lambda::Alias', `${id}Live`) as unknown as Aliased;
    const update = UpdatePolicy.CodeDeployLambdaAliasUpdate;
    expect(update['BeforeAllowTrafficHook']?.Ref).toContain(`Rollouts${id}CheckFunction`);
    expect(update['AfterAllowTrafficHook']).toEqual(update['BeforeAllowTrafficHook']);
    expect(
      resource(template, 'AWS::CodeDeploy::DeploymentGroup', `Rollouts${id}`)['Properties'],
    ).toMatchObject({
      DeploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent5Minutes',
      AutoRollbackConfiguration: {
        Enabled: true,
        Events: expect.arrayContaining(['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM']),
      },
      AlarmConfiguration: {
        Enabled: true,
        Alarms: [
          { Name: { Ref: expect.stringContaining(`AlarmsNewVersionFails${id}`) } },
          { Name: { Ref: expect.stringContaining(`AlarmsRolloutFails${id}`) } },
        ],
      },
    });
  });

  it('is watched by the failures of the version that it is given, which the alarm knows before', () => {
    const alias = resource(template, 'AWS::Lambda::Alias', `${id}Live`);
    const { FunctionName, FunctionVersion } = alias['Properties'] as Record<string, unknown>;
    const alarm = resource(template, 'AWS::CloudWatch::Alarm', `NewVersionFails${id}`)['Properties'];
    const { Metrics } = alarm as { Metrics: { MetricStat?: { Metric: { Dimensions: unknown } } }[] };
    const Dimensions = [
      { Name: 'ExecutedVersion', Value: FunctionVersion },
      { Name: 'FunctionName', Value: FunctionName },
      { Name: 'Resource', Value: { 'Fn::Join': ['', [FunctionName, ':live']] } },
    ];
    const stats = Metrics.flatMap(({ MetricStat }) => MetricStat ?? []);
    expect(stats).toMatchObject(
      ['Errors', 'Invocations'].map((MetricName) => ({
        Metric: { Namespace: 'AWS/Lambda', MetricName, Dimensions },
        Stat: 'Sum',
        Period: 60,
      })),
    );
  });

  it('is checked with settings that the check accepts, against the new version itself', () => {
    const { Variables } = check().Environment;
    const deployed = Object.entries(Variables).map(([key, value]) => [
      key,
      typeof value === 'string' ? value : `deployed ${JSON.stringify(value)}`,
    ]);
    const settings = parseDeployCheckSettings(Object.fromEntries(deployed));
    expect(settings).toMatchObject({ dataset: 'cities', id: { partition: 0 }, probe });
    expect(settings.candidate).toContain(`${id}FunctionCurrentVersion`);
    expect(settings.live).toContain(':live');
    expect(settings.schema === null).toBe(id === 'Consumer');
  });

  it('is checked by a role that reads, asks these two and reports', () => {
    const statements = allowedTo(template, `Rollouts${id}CheckRole`);
    expect(statements.flatMap(({ actions }) => actions).toSorted()).toEqual([
      'codedeploy:PutLifecycleEventHookExecutionStatus',
      'dynamodb:GetItem',
      'lambda:InvokeFunction',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      's3:GetObject',
      's3:ListBucket',
      'xray:PutTelemetryRecords',
      'xray:PutTraceSegments',
    ]);
    const [invoke] = statements.filter(({ actions }) => actions.includes('lambda:InvokeFunction'));
    expect(invoke?.resources).toMatch(
      new RegExp(`${id}Function\\w+","Arn"\\]},":live".*${id}FunctionCurrentVersion`),
    );
    expect(invoke?.resources).not.toContain('*');
  });
});

describe('rollouts', () => {
  it('begin with a step that shows: a version that always fails is more than the alarm allows', () => {
    const groups = JSON.stringify(template.findResources('AWS::CodeDeploy::DeploymentGroup'));
    const percent = Number(/LambdaCanary(\d+)Percent/.exec(groups)?.[1]);
    expect(percent / 100).toBeGreaterThan(healthBounds.errorRateMax);
  });

  it.each([
    ['all-at-once', 'CodeDeployDefault.LambdaAllAtOnce'],
    ['linear', 'CodeDeployDefault.LambdaLinear10PercentEvery1Minute'],
  ] as const)('have the shape of the stage: %s', (rollout, name) => {
    const other = templateOf({ rollout });
    other.allResourcesProperties('AWS::CodeDeploy::DeploymentGroup', { DeploymentConfigName: name });
    expect(Object.keys(other.findResources('AWS::CodeDeploy::DeploymentGroup'))).toHaveLength(2);
  });

  it("ask an application's own code with an announcement", () => {
    const custom = templateWith(
      () => ({}),
      (dataset) => {
        dataset.addConsumerFunction('Search', { code: Code.fromAsset('dist/consumer') });
      },
    );
    custom.hasResourceProperties('AWS::Lambda::Function', {
      Description: Match.stringLikeRegexp('new version of Search'),
      Environment: { Variables: Match.objectLike({ HOLLOW_PROBE: 'announcement' }) },
    });
    expect(resource(custom, 'AWS::CodeDeploy::DeploymentGroup', 'Search')).toBeDefined();
  });
});
