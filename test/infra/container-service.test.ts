import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { beforeAll, describe, expect, it } from 'vitest';
import { healthCommand } from '../../infra/container-service.ts';
import { HollowDataset } from '../../infra/dataset.ts';
import { serviceGoals } from '../../lib/health-rules.ts';
import { parseServiceSettings } from '../../lib/settings.ts';
import {
  addContainers,
  allowedTo,
  context,
  priceSchema,
  resource,
  templateOf,
  templateWith,
} from './template.ts';

let template: Template;
beforeAll(() => {
  template = templateOf({}, (stack) => addContainers(stack.dataset, stack));
});

const service = (of = template) => resource(of, 'AWS::ECS::Service', 'LookupsService')['Properties'];
const root = join(import.meta.dirname, '..', '..');

interface Container {
  readonly Environment: readonly { readonly Name: string; readonly Value: unknown }[];
}

function container(): Container {
  const task = resource(template, 'AWS::ECS::TaskDefinition', 'LookupsTask') as unknown as {
    Properties: { ContainerDefinitions: [Container] };
  };
  return task.Properties.ContainerDefinitions[0];
}

describe('a task', () => {
  it('runs on arm64 with bounds of its own', () => {
    template.hasResourceProperties('AWS::ECS::TaskDefinition', {
      Cpu: '1024',
      Memory: '2048',
      RuntimePlatform: { CpuArchitecture: 'ARM64', OperatingSystemFamily: 'LINUX' },
    });
  });

  it('runs as nobody special, without capabilities, on a file system that it cannot change', () => {
    expect(container()).toMatchObject({
      User: 'node',
      ReadonlyRootFilesystem: true,
      LinuxParameters: { Capabilities: { Drop: ['ALL'] } },
    });
  });

  it('is asked whether it serves, after a start that may load for minutes', () => {
    expect(container()).toMatchObject({
      HealthCheck: { Command: ['CMD', ...healthCommand], StartPeriod: 300, Interval: 15, Retries: 3 },
      StopTimeout: 30,
    });
    expect(healthCommand.join()).toContain('/ready');
  });

  it('has the environment that the service will accept', () => {
    const environment = Object.fromEntries(
      container().Environment.map(({ Name, Value }) => [
        Name,
        typeof Value === 'string' ? Value : 'deployed',
      ]),
    );
    expect(parseServiceSettings(environment)).toMatchObject({
      dataset: 'cities',
      host: '0.0.0.0',
      port: 8080,
      service: 'Lookups',
      pollMsMax: 2_000,
    });
  });

  it('may read the dataset, take its hints, and nothing else', () => {
    const actions = allowedTo(template, 'LookupsTaskTaskRole').flatMap((statement) => statement.actions);
    expect(actions.toSorted()).toEqual([
      'dynamodb:GetItem',
      's3:GetObject',
      's3:ListBucket',
      'sqs:DeleteMessage',
      'sqs:ReceiveMessage',
    ]);
  });

  it('logs to a group that forgets', () => {
    expect(resource(template, 'AWS::Logs::LogGroup', 'LookupsLogs')['Properties']).toEqual({
      RetentionInDays: 7,
    });
  });
});

describe('the image', () => {
  it('is built of the Dockerfile at deploy time, from the bundle alone', () => {
    const text = readFileSync(join(root, 'Dockerfile'), 'utf8');
    expect(text).toContain('COPY dist/consumer-service/ ./');
    expect(text).toMatch(/^USER node$/m);
    expect(text).toContain(`CMD ${JSON.stringify(healthCommand).replaceAll(',"', ', "')}`);
    expect(readFileSync(join(root, '.dockerignore'), 'utf8').split('\n')).toEqual([
      '*',
      '!dist/consumer-service',
      '',
    ]);
    expect(JSON.stringify(container())).toContain('container-assets');
  });

  it('may be one of a registry', () => {
    const given = templateWith(
      () => ({}),
      (dataset, stack) => {
        const vpc = new Vpc(stack, 'Vpc', { maxAzs: 2 });
        const repository = Repository.fromRepositoryName(stack, 'Images', 'consumer');
        const image = ContainerImage.fromEcrRepository(repository, '1.4.0');
        dataset.addContainerService('Lookups', { vpc, image, cpu: 2048, memorySizeMb: 8192 });
      },
    );
    const task = JSON.stringify(resource(given, 'AWS::ECS::TaskDefinition', 'LookupsTask'));
    expect(task).toContain('/consumer:1.4.0');
    expect(task).toContain('"Memory":"8192"');
  });
});

describe('a deployment', () => {
  it('moves a tenth of the requests, waits, and goes back by itself', () => {
    expect(service()).toMatchObject({
      DeploymentConfiguration: {
        Strategy: 'CANARY',
        CanaryConfiguration: { CanaryPercent: 10, CanaryBakeTimeInMinutes: 5 },
        BakeTimeInMinutes: 5,
        MinimumHealthyPercent: 100,
        MaximumPercent: 200,
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
        Alarms: {
          Enable: true,
          Rollback: true,
          AlarmNames: [{ Ref: expect.stringContaining('AlarmsAnswersFailLookups') }],
        },
      },
    });
  });

  it.each([
    ['linear', { Strategy: 'LINEAR', LinearConfiguration: { StepPercent: 10, StepBakeTimeInMinutes: 1 } }],
    ['all-at-once', { Strategy: 'BLUE_GREEN' }],
  ] as const)('of the shape %s is native', (rollout, configuration) => {
    const shaped = templateOf({ rollout }, (stack) => addContainers(stack.dataset, stack));
    expect(service(shaped)).toMatchObject({ DeploymentConfiguration: configuration });
  });

  it('has two groups of tasks, between which ECS may move the listener', () => {
    const groups = Object.values(template.findResources('AWS::ElasticLoadBalancingV2::TargetGroup'));
    expect(groups).toHaveLength(2);
    for (const { Properties } of groups) {
      expect(Properties).toMatchObject({
        HealthCheckPath: '/ready',
        HealthCheckIntervalSeconds: 10,
        TargetType: 'ip',
        TargetGroupAttributes: expect.arrayContaining([
          { Key: 'deregistration_delay.timeout_seconds', Value: '20' },
        ]),
      });
    }
    expect(service()).toMatchObject({
      LoadBalancers: [
        {
          ContainerName: 'consumer',
          ContainerPort: 8080,
          AdvancedConfiguration: {
            AlternateTargetGroupArn: { Ref: expect.stringContaining('Green') },
            ProductionListenerRule: { Ref: expect.stringContaining('Rule') },
          },
        },
      ],
    });
  });
});

describe('the load balancer', () => {
  it('is internal, logs who asked, and lets nobody in unless told', () => {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
      Scheme: 'internal',
      LoadBalancerAttributes: Match.arrayWith([
        { Key: 'routing.http.drop_invalid_header_fields.enabled', Value: 'true' },
        { Key: 'access_logs.s3.enabled', Value: 'true' },
      ]),
    });
    expect(JSON.stringify(template.findResources('AWS::EC2::SecurityGroup'))).not.toContain(
      'SecurityGroupIngress',
    );
  });

  it('speaks TLS with a certificate', () => {
    const arn = 'arn:aws:acm:eu-west-1:111122223333:certificate/1';
    const secured = templateWith(
      () => ({}),
      (dataset, stack) => {
        const certificate = Certificate.fromCertificateArn(stack, 'Certificate', arn);
        dataset.addContainerService('Lookups', { vpc: new Vpc(stack, 'Vpc', { maxAzs: 2 }), certificate });
      },
    );
    expect(resource(secured, 'AWS::ElasticLoadBalancingV2::Listener', 'Lookups')['Properties']).toMatchObject(
      {
        Port: 443,
        Protocol: 'HTTPS',
        Certificates: [{ CertificateArn: arn }],
        SslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
      },
    );
  });
});

describe('the number of tasks', () => {
  it('follows the processor both ways, and lag upwards only', () => {
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', {
      MinCapacity: 2,
      MaxCapacity: 10,
    });
    const policies = Object.values(template.findResources('AWS::ApplicationAutoScaling::ScalingPolicy')).map(
      ({ Properties }) => Properties.TargetTrackingScalingPolicyConfiguration,
    );
    expect(policies).toMatchObject([
      {
        TargetValue: 60,
        PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
      },
      {
        TargetValue: serviceGoals.propagationLagMsMax / 2,
        DisableScaleIn: true,
        CustomizedMetricSpecification: { MetricName: 'PropagationLagMs' },
      },
    ]);
  });
});

describe('what callers are promised', () => {
  it('has an error budget', () => {
    template.hasResourceProperties('AWS::ApplicationSignals::ServiceLevelObjective', {
      Description: 'Requests to Lookups that are answered',
      Goal: { AttainmentGoal: 100 * serviceGoals.availability },
    });
  });
});

describe('a stack without a region', () => {
  it('is told that access logs need one', () => {
    const stack = new Stack(new App({ context }), 'Anywhere');
    const dataset = new HollowDataset(stack, 'Prices', { dataset: 'prices', schema: priceSchema });
    expect(() => addContainers(dataset, stack)).toThrow(/[Rr]egion is required/);
  });
});
