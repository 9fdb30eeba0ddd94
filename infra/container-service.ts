import { join } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import type { ICertificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Connections, type IConnectable, type IVpc, Port } from 'aws-cdk-lib/aws-ec2';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import {
  AlarmBehavior,
  AlternateTarget,
  Capability,
  Cluster,
  type ContainerDefinition,
  ContainerImage,
  ContainerInsights,
  CpuArchitecture,
  DeploymentStrategy,
  FargateService,
  type FargateServiceProps,
  FargateTaskDefinition,
  LinuxParameters,
  ListenerRuleConfiguration,
  LogDrivers,
  OperatingSystemFamily,
} from 'aws-cdk-lib/aws-ecs';
import {
  ApplicationListenerRule,
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ApplicationTargetGroup,
  ListenerAction,
  ListenerCondition,
  SslPolicy,
  TargetType,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { serviceGoals } from '../lib/health-rules.ts';
import { limits } from '../lib/limits.ts';
import { checkEnvironment } from '../lib/settings.ts';
import { acknowledge } from './acknowledge.ts';
import type { Alarms } from './alarms.ts';
import { datasetMetric } from './metrics.ts';
import type { RolloutShape } from './rollouts.ts';
import { bundlePath } from './service-function.ts';
import type { Storage } from './storage.ts';

export interface ContainerServiceProps {
  /**
   * For linux/arm64. Default: this package's Dockerfile, which only `cdk deploy` builds; synthesis needs no Docker. An image
   * that a pipeline has built is given by reference, `ContainerImage.fromEcrRepository(repository, '1.4.0')`.
   */
  readonly image?: ContainerImage;
  /** Its private subnets reach S3, DynamoDB, SQS and the image's registry: by endpoints or a NAT gateway. */
  readonly vpc: IVpc;
  /** Of the internal load balancer. Default: plain HTTP, within the VPC. */
  readonly certificate?: ICertificate;
  /** Units of 1/1024 processor, as Fargate offers them. Default 1024. */
  readonly cpu?: number;
  /** The whole partition and its next version must fit. Default 2048 MB. */
  readonly memorySizeMb?: number;
  /** Default 2 and 10. */
  readonly tasks?: { readonly min?: number; readonly max?: number };
  /** Partition that it reads. Default 0. */
  readonly partition?: number;
}

interface Surroundings {
  readonly dataset: string;
  readonly readerEnvironment: Readonly<Record<string, string>>;
  readonly storage: Storage;
  /** Of this service alone. */
  readonly announcementQueue: Queue;
  readonly logRetention: RetentionDays;
  readonly shape: RolloutShape;
  readonly alarms: Alarms;
}

const containerName = 'consumer';
const containerPort = 8080;
/** The CDK gives it to the role with which ECS changes the weights of the listener. */
const trafficPolicy = 'AmazonECSInfrastructureRolePolicyForLoadBalancers';

/** As in the Dockerfile, which ECS does not look at. `/ready` is 200 while a version is served, whatever fails outside. */
export const healthCommand = [
  'node',
  '-e',
  `fetch('http://127.0.0.1:${containerPort}/ready').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))`,
];

/** Holds the Dockerfile, and the bundle that it takes. */
const packageDirectory = join(import.meta.dirname, '..');

/** As rollouts.ts does it with functions: at once, a tenth for five minutes, a tenth more each minute. */
const strategies: Readonly<Record<RolloutShape, Partial<FargateServiceProps>>> = {
  'all-at-once': { deploymentStrategy: DeploymentStrategy.BLUE_GREEN },
  canary: {
    deploymentStrategy: DeploymentStrategy.CANARY,
    canaryConfiguration: { stepPercent: 10, stepBakeTime: Duration.minutes(5) },
  },
  linear: {
    deploymentStrategy: DeploymentStrategy.LINEAR,
    linearConfiguration: { stepPercent: 10, stepBakeTime: Duration.minutes(1) },
  },
};

/**
 * The long-lived consumer in containers behind an internal load balancer. It knows no users: who may connect is decided
 * with `connections`.
 *
 * A queue gives each hint to one of its readers. So one task hears of a version at once, and the others see it at their
 * next look at the head, which comes often here (docs/adr/0026-hints-of-containers.md).
 */
export class ContainerService extends Construct implements IConnectable {
  readonly connections: Connections;
  readonly loadBalancer: ApplicationLoadBalancer;
  readonly service: FargateService;
  readonly #props: ContainerServiceProps;
  readonly #around: Surroundings;

  constructor(
    scope: Construct,
    id: string,
    props: ContainerServiceProps & { readonly around: Surroundings },
  ) {
    super(scope, id);
    this.#props = props;
    this.#around = props.around;
    const container = this.#createContainer();
    this.loadBalancer = this.#createLoadBalancer();
    this.service = this.#createService(container);
    this.connections = new Connections({
      securityGroups: this.loadBalancer.connections.securityGroups,
      defaultPort: Port.tcp(props.certificate === undefined ? 80 : 443),
    });
    this.#scale();
  }

  #createContainer(): ContainerDefinition {
    const { storage, announcementQueue, logRetention, dataset } = this.#around;
    const task = new FargateTaskDefinition(this, 'Task', {
      cpu: this.#props.cpu ?? 1024,
      memoryLimitMiB: this.#props.memorySizeMb ?? 2048,
      runtimePlatform: {
        cpuArchitecture: CpuArchitecture.ARM64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
    });
    storage.grantRead(task.taskRole);
    task.addToTaskRolePolicy(
      new PolicyStatement({
        actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage'],
        resources: [announcementQueue.queueArn],
      }),
    );
    acknowledge(
      task,
      ['AwsSolutions-ECS2'],
      'Names of a table, a bucket and a queue are no secrets; there are none: rights come from the role.',
    );
    const linuxParameters = new LinuxParameters(this, 'Linux');
    linuxParameters.dropCapabilities(Capability.ALL);
    const container = task.addContainer(containerName, {
      image: this.#props.image ?? this.#ownImage(),
      // Of the Dockerfile, too; a task must not depend on it.
      user: 'node',
      environment: { ...this.#environment(), NODE_OPTIONS: '--enable-source-maps' },
      portMappings: [{ containerPort }],
      // A cold start may take this long; after that, what is not ready never will be.
      healthCheck: {
        command: ['CMD', ...healthCommand],
        startPeriod: Duration.minutes(5),
        interval: Duration.seconds(15),
        retries: 3,
      },
      stopTimeout: Duration.seconds(30),
      readonlyRootFilesystem: true,
      linuxParameters,
      logging: LogDrivers.awsLogs({
        streamPrefix: dataset,
        logGroup: new LogGroup(this, 'Logs', { retention: logRetention }),
      }),
    });
    acknowledge(
      task.obtainExecutionRole(),
      ['AwsSolutions-IAM5[Resource::*]'],
      'ecr:GetAuthorizationToken has no resources; pulling the image itself is allowed on its repository only.',
    );
    return container;
  }

  #ownImage(): ContainerImage {
    bundlePath('consumer-service');
    return ContainerImage.fromAsset(packageDirectory, {
      platform: Platform.LINUX_ARM64,
      assetName: 'consumer-service',
    });
  }

  #environment(): Record<string, string> {
    const { HOLLOW_DATASET = '', HOLLOW_TABLE = '', HOLLOW_BUCKET = '' } = this.#around.readerEnvironment;
    return checkEnvironment('service', {
      HOLLOW_DATASET,
      HOLLOW_TABLE,
      HOLLOW_BUCKET,
      HOLLOW_PARTITION: String(this.#props.partition ?? 0),
      HOLLOW_ANNOUNCEMENT_QUEUE_URL: this.#around.announcementQueue.queueUrl,
      HOLLOW_POLL_SECONDS_MAX: String(limits.pollSecondsOfTasks),
      HOLLOW_SERVICE: this.node.id,
      HOST: '0.0.0.0',
      PORT: String(containerPort),
    });
  }

  #createLoadBalancer(): ApplicationLoadBalancer {
    const loadBalancer = new ApplicationLoadBalancer(this, 'LoadBalancer', {
      vpc: this.#props.vpc,
      internetFacing: false,
      dropInvalidHeaderFields: true,
      deletionProtection: false,
    });
    loadBalancer.logAccessLogs(this.#around.storage.accessLogs, this.node.addr.slice(-8));
    return loadBalancer;
  }

  #createService(container: ContainerDefinition): FargateService {
    const { vpc, tasks = {} } = this.#props;
    const alarm = this.#around.alarms.watchContainers(this.node.id, this.loadBalancer);
    const service = new FargateService(this, 'Service', {
      ...strategies[this.#around.shape],
      cluster: new Cluster(this, 'Cluster', { vpc, containerInsightsV2: ContainerInsights.ENABLED }),
      taskDefinition: container.taskDefinition,
      desiredCount: tasks.min ?? 2,
      // No task ends before one that took its place is ready.
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      healthCheckGracePeriod: Duration.minutes(5),
      circuitBreaker: { rollback: true },
      deploymentAlarms: { alarmNames: [alarm.alarmName], behavior: AlarmBehavior.ROLLBACK_ON_ALARM },
      bakeTime: Duration.minutes(5),
    });
    this.#addTargets(service);
    acknowledge(
      service,
      [`AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/${trafficPolicy}]`],
      'What ECS needs to move requests between two groups of tasks is for AWS to say.',
    );
    return service;
  }

  /** Two groups of tasks: the ones in use, and those of a deployment. ECS moves the rule's weights between them. */
  #addTargets(service: FargateService): void {
    const { certificate } = this.#props;
    const [blue, green] = ['Blue', 'Green'].map((id) => this.#createTargetGroup(id));
    if (blue === undefined || green === undefined) return;
    const listener = this.loadBalancer.addListener('Listener', {
      ...(certificate === undefined
        ? { protocol: ApplicationProtocol.HTTP }
        : {
            protocol: ApplicationProtocol.HTTPS,
            certificates: [certificate],
            sslPolicy: SslPolicy.RECOMMENDED_TLS,
          }),
      open: false,
      defaultAction: ListenerAction.fixedResponse(404),
    });
    const rule = new ApplicationListenerRule(this, 'Rule', {
      listener,
      priority: 1,
      conditions: [ListenerCondition.pathPatterns(['/*'])],
      action: ListenerAction.weightedForward([
        { targetGroup: blue, weight: 100 },
        { targetGroup: green, weight: 0 },
      ]),
    });
    const target = service.loadBalancerTarget({
      containerName,
      containerPort,
      alternateTarget: new AlternateTarget('Alternate', {
        alternateTargetGroup: green,
        productionListener: ListenerRuleConfiguration.applicationListenerRule(rule),
      }),
    });
    blue.addTarget(target);
    service.connections.allowFrom(this.loadBalancer, Port.tcp(containerPort));
  }

  #createTargetGroup(id: string): ApplicationTargetGroup {
    return new ApplicationTargetGroup(this, id, {
      vpc: this.#props.vpc,
      port: containerPort,
      protocol: ApplicationProtocol.HTTP,
      targetType: TargetType.IP,
      // What is on its way is answered; SIGTERM comes after that.
      deregistrationDelay: Duration.seconds(20),
      healthCheck: {
        path: '/ready',
        interval: Duration.seconds(10),
        timeout: Duration.seconds(5),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 3,
      },
    });
  }

  #scale(): void {
    const { tasks = {} } = this.#props;
    const scaling = this.service.autoScaleTaskCount({
      minCapacity: tasks.min ?? 2,
      maxCapacity: tasks.max ?? 10,
    });
    scaling.scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: 60 });
    // Tasks that answer too much refresh late. Where nothing is committed there is no lag to tell: only the processor
    // says that fewer will do.
    scaling.scaleToTrackCustomMetric('Lag', {
      metric: datasetMetric(this.#around.dataset, this.node.id, 'PropagationLagMs', {
        statistic: Stats.AVERAGE,
      }),
      targetValue: serviceGoals.propagationLagMsMax / 2,
      disableScaleIn: true,
    });
  }
}
