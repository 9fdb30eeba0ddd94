import { Duration } from 'aws-cdk-lib';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import {
  type ILambdaDeploymentConfig,
  LambdaApplication,
  LambdaDeploymentConfig,
  LambdaDeploymentGroup,
} from 'aws-cdk-lib/aws-codedeploy';
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { checkEnvironment } from '../lib/settings.ts';
import { acknowledge } from './acknowledge.ts';
import { logicalIdOf } from './logical-id.ts';
import { ServiceFunction } from './service-function.ts';
import type { Storage } from './storage.ts';

/** How traffic moves to a new version once its check has passed. The least step must show in the alarm that rolls back. */
const shapes = {
  'all-at-once': LambdaDeploymentConfig.ALL_AT_ONCE,
  /** A tenth for five minutes, then the rest. */
  canary: LambdaDeploymentConfig.CANARY_10PERCENT_5MINUTES,
  /** A tenth more each minute. */
  linear: LambdaDeploymentConfig.LINEAR_10PERCENT_EVERY_1MINUTE,
} as const satisfies Readonly<Record<string, ILambdaDeploymentConfig>>;

export type RolloutShape = keyof typeof shapes;

export interface RolloutsProps {
  readonly dataset: string;
  readonly shape: RolloutShape;
  readonly storage: Storage;
  readonly logRetention: RetentionDays;
}

export interface RolloutProps {
  readonly target: ServiceFunction;
  readonly partition: number;
  readonly memorySizeMb: number;
  /** What the new version is asked. */
  readonly probe: 'lookups' | 'batch' | 'announcement';
  /** Of a producer: readers of the present schema must be able to read this one. */
  readonly schema?: string;
  /** Roll back when one of them is on. Those of a version must not refer to the alias, which waits for them. */
  readonly alarms: readonly Alarm[];
}

/**
 * New versions of functions come in stages: a check with the new code before any traffic, a part of the traffic, all of
 * it, the check again. A failed check or an alarm puts the version before back.
 */
export class Rollouts extends Construct {
  readonly #props: RolloutsProps;
  readonly #application: LambdaApplication;
  readonly #role: Role;

  constructor(scope: Construct, id: string, props: RolloutsProps) {
    super(scope, id);
    this.#props = props;
    this.#application = new LambdaApplication(this, 'Application');
    const policy = 'AWSCodeDeployRoleForLambdaLimited';
    this.#role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('codedeploy.amazonaws.com'),
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName(`service-role/${policy}`)],
    });
    acknowledge(
      this.#role,
      [`AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/${policy}]`],
      'What CodeDeploy needs to move an alias is for AWS to say; it is the narrow one of the two policies that it has.',
    );
  }

  add(id: string, props: RolloutProps): void {
    const check = this.#addCheck(id, props);
    new LambdaDeploymentGroup(this, id, {
      application: this.#application,
      alias: props.target.alias,
      deploymentConfig: shapes[this.#props.shape],
      role: this.#role,
      alarms: [...props.alarms],
      autoRollback: { failedDeployment: true, stoppedDeployment: true, deploymentInAlarm: true },
      preHook: check.function,
      postHook: check.function,
    });
    acknowledge(
      this.#role,
      [`AwsSolutions-IAM5[Resource::<${logicalIdOf(check.function)}.Arn>:*]`],
      'CodeDeploy calls this one function, in whatever version it is.',
    );
  }

  #addCheck(id: string, { target, partition, probe, schema, memorySizeMb }: RolloutProps): ServiceFunction {
    const { dataset, storage, logRetention } = this.#props;
    const candidate = target.function.currentVersion.functionArn;
    // By name: the alias itself waits for this function.
    const live = `${target.function.functionArn}:live`;
    const check = new ServiceFunction(this, `${id}Check`, {
      bundle: 'deploy-check',
      description: `Says whether a new version of ${id} of the dataset ${dataset} may have traffic`,
      environment: checkEnvironment('deploy-check', {
        HOLLOW_DATASET: dataset,
        HOLLOW_PARTITION: String(partition),
        HOLLOW_TABLE: storage.table.tableName,
        HOLLOW_BUCKET: storage.bucket.bucketName,
        HOLLOW_CANDIDATE: candidate,
        HOLLOW_LIVE: live,
        HOLLOW_PROBE: probe,
        ...(schema === undefined ? {} : { HOLLOW_SCHEMA: schema }),
      }),
      memorySizeMb,
      timeout: Duration.minutes(5),
      logRetention,
    });
    storage.grantRead(check.role);
    check.role.addToPolicy(
      new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [candidate, live] }),
    );
    return check;
  }
}
