import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';

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
