import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import {
  BackupPlan,
  BackupPlanRule,
  BackupResource,
  BackupVault,
  type IBackupVault,
} from 'aws-cdk-lib/aws-backup';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import type { Storage } from './storage.ts';

export interface BackupOptions {
  /** Another vault, in another region or account, that gets a copy of each. */
  readonly copyTo?: IBackupVault;
}

export interface BackupsProps extends BackupOptions {
  readonly storage: Storage;
  readonly keepsData: boolean;
  readonly encryptionKey?: IKey;
}

const policies = ['AWSBackupServiceRolePolicyForBackup', 'AWSBackupServiceRolePolicyForS3Backup'] as const;

/**
 * Table and bucket in a vault of AWS Backup: what table and bucket keep of their own past goes with the account, and after
 * 35 days. How both are brought back together: docs/operations.md.
 */
export class Backups extends Construct {
  readonly vault: BackupVault;

  constructor(scope: Construct, id: string, { storage, keepsData, encryptionKey, copyTo }: BackupsProps) {
    super(scope, id);
    this.vault = new BackupVault(this, 'Vault', {
      encryptionKey,
      blockRecoveryPointDeletion: keepsData,
      removalPolicy: keepsData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    const plan = new BackupPlan(this, 'Plan', { backupVault: this.vault });
    const copies = copyTo === undefined ? {} : { copyActions: [{ destinationBackupVault: copyTo }] };
    const window = { startWindow: Duration.hours(1), completionWindow: Duration.hours(12) };
    plan.addRule(
      new BackupPlanRule({
        ...window,
        ...copies,
        ruleName: 'Daily',
        scheduleExpression: Schedule.cron({ hour: '2', minute: '0' }),
        deleteAfter: Duration.days(35),
      }),
    );
    plan.addRule(
      new BackupPlanRule({
        ...window,
        ...copies,
        ruleName: 'Monthly',
        scheduleExpression: Schedule.cron({ day: '1', hour: '4', minute: '0' }),
        deleteAfter: Duration.days(365),
      }),
    );
    plan.addSelection('Storage', {
      role: this.#createRole(),
      resources: [storage.table.tableArn, storage.bucket.bucketArn].map((arn) => BackupResource.fromArn(arn)),
    });
  }

  #createRole(): Role {
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('backup.amazonaws.com'),
      managedPolicies: [
        ManagedPolicy.fromAwsManagedPolicyName(`service-role/${policies[0]}`),
        ManagedPolicy.fromAwsManagedPolicyName(policies[1]),
      ],
    });
    acknowledge(
      role,
      [`service-role/${policies[0]}`, policies[1]].map(
        (policy) => `AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/${policy}]`,
      ),
      'What AWS Backup needs to copy tables and buckets is for AWS to say. The role is assumed by that service only.',
    );
    return role;
  }
}
