import { Duration } from 'aws-cdk-lib';
import {
  Application,
  ConfigurationContent,
  DeploymentStrategy,
  Environment,
  HostedConfiguration,
  JsonSchemaValidator,
  Monitor,
  RolloutStrategy,
} from 'aws-cdk-lib/aws-appconfig';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { type IGrantable, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import * as z from 'zod';
import { parseRuntimeSettings, type RuntimeSettings, runtimeSettings } from '../lib/runtime-settings.ts';
import { acknowledge } from './acknowledge.ts';

export interface SettingsProfileProps {
  readonly dataset: string;
  readonly settings: Partial<RuntimeSettings>;
  /** Any of them takes settings back that are being deployed. */
  readonly alarms: readonly Alarm[];
}

/** The only JSON Schema that AppConfig knows is of draft 4. What has a default may be left out. */
const settingsJsonSchema = z.toJSONSchema(runtimeSettings, { target: 'draft-4', io: 'input' });

/** Settings that change while functions run, in AppConfig: checked before they go out, in two steps, taken back by alarms. */
export class SettingsProfile extends Construct {
  /** `<application>/<environment>/<profile>` */
  readonly place: string;
  readonly #configurationArn: string;

  constructor(scope: Construct, id: string, { dataset, settings, alarms }: SettingsProfileProps) {
    super(scope, id);
    const content = JSON.stringify(settings);
    parseRuntimeSettings(content); // here the reason can be named
    const application = new Application(this, 'Application', {
      description: `Settings of the dataset ${dataset} that change at run time`,
    });
    const role = this.#createMonitorRole();
    const environment = new Environment(this, 'Environment', {
      application,
      monitors: alarms.map((alarm) => Monitor.fromCloudWatchAlarm(alarm, role)),
    });
    const profile = new HostedConfiguration(this, 'Settings', {
      application,
      content: ConfigurationContent.fromInlineJson(content),
      validators: [JsonSchemaValidator.fromInline(JSON.stringify(settingsJsonSchema))],
      deployTo: [environment],
      deploymentStrategy: new DeploymentStrategy(this, 'Strategy', {
        description:
          'Half of the sandboxes at once, the others after a minute; alarms are watched for five more',
        rolloutStrategy: RolloutStrategy.linear({
          growthFactor: 50,
          deploymentDuration: Duration.minutes(2),
          finalBakeTime: Duration.minutes(5),
        }),
      }),
    });
    this.place = [application.applicationId, environment.environmentId, profile.configurationProfileId].join(
      '/',
    );
    this.#configurationArn = `${environment.environmentArn}/configuration/${profile.configurationProfileId}`;
  }

  grantRead(grantee: IGrantable): void {
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ['appconfig:StartConfigurationSession', 'appconfig:GetLatestConfiguration'],
        resources: [this.#configurationArn],
      }),
    );
  }

  #createMonitorRole(): Role {
    const role = new Role(this, 'MonitorRole', {
      assumedBy: new ServicePrincipal('appconfig.amazonaws.com'),
    });
    role.addToPolicy(new PolicyStatement({ actions: ['cloudwatch:DescribeAlarms'], resources: ['*'] }));
    acknowledge(
      role,
      ['AwsSolutions-IAM5[Resource::*]'],
      'AppConfig asks for the state of alarms by name, which cannot be limited to some of them. It only reads.',
    );
    return role;
  }
}
