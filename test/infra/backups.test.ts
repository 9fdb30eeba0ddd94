import { Match } from 'aws-cdk-lib/assertions';
import { BackupVault } from 'aws-cdk-lib/aws-backup';
import { describe, expect, it } from 'vitest';
import { resource, templateOf, templateWith } from './template.ts';

const rulesOf = (template: ReturnType<typeof templateOf>) =>
  (
    resource(template, 'AWS::Backup::BackupPlan', 'Plan') as {
      Properties: { BackupPlan: { BackupPlanRule: object[] } };
    }
  ).Properties.BackupPlan.BackupPlanRule;

describe('backups', () => {
  const template = templateOf({ hasBackups: true, keepsData: true });

  it('are of table and bucket together, daily for as long as the table can be set back, monthly for a year', () => {
    expect(rulesOf(template)).toMatchObject([
      { RuleName: 'Daily', Lifecycle: { DeleteAfterDays: 35 } },
      { RuleName: 'Monthly', Lifecycle: { DeleteAfterDays: 365 } },
    ]);
    template.hasResourceProperties('AWS::Backup::BackupSelection', {
      BackupSelection: {
        Resources: [
          { 'Fn::GetAtt': [Match.stringLikeRegexp('StorageHeads'), 'Arn'] },
          { 'Fn::GetAtt': [Match.stringLikeRegexp('StorageBlobs'), 'Arn'] },
        ],
      },
    });
  });

  it('are in a vault that outlives the stack and whose contents nobody deletes before their time', () => {
    const vault = resource(template, 'AWS::Backup::BackupVault', 'Vault');
    expect(vault).toMatchObject({ DeletionPolicy: 'Retain' });
    expect(JSON.stringify(vault)).toContain('backup:DeleteRecoveryPoint');
  });

  it('may have a copy elsewhere', () => {
    const arn = 'arn:aws:backup:eu-central-1:111122223333:backup-vault:far';
    const copied = templateWith((stack) => ({
      backups: { copyTo: BackupVault.fromBackupVaultArn(stack, 'Far', arn) },
    }));
    for (const rule of rulesOf(copied)) {
      expect(rule).toMatchObject({ CopyActions: [{ DestinationBackupVaultArn: arn }] });
    }
  });

  it('are not made unless asked for', () => {
    templateOf().resourceCountIs('AWS::Backup::BackupPlan', 0);
    expect(() => rulesOf(templateOf())).toThrow('0 resources');
  });
});
