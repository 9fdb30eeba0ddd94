import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import type { IConstruct } from 'constructs';
import { acknowledge } from './acknowledge.ts';

/** How every queue is secured: the given key, or one that SQS owns. */
export function securedQueue(encryptionKey: IKey | undefined): QueueProps {
  return encryptionKey === undefined
    ? { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true }
    : { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey, enforceSSL: true };
}

/** Lets a role use the key, if there is one, action by action: the CDK's own grants allow `kms:ReEncrypt*`. */
export function grantKey(key: IKey | undefined, grantee: IGrantable, use: 'read' | 'write'): void {
  key?.grant(grantee, 'kms:Decrypt', ...(use === 'write' ? ['kms:GenerateDataKey'] : []));
}

/** Where a key is used by a grant that only the CDK can make: of a queue's target, of S3's replication. */
export function acknowledgeKeyUse(key: IKey | undefined, scope: IConstruct): void {
  if (key === undefined) return;
  acknowledge(
    scope,
    ['GenerateDataKey', 'ReEncrypt'].map((action) => `AwsSolutions-IAM5[Action::kms:${action}*]`),
    'What writes encrypted needs the key, and only this key; the CDK grants these two actions with their variants.',
  );
}
