import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';

/** What a bucket of blobs refuses, whoever asks. */

/** The only objects that change. IAM's wildcard also matches slashes. */
const floorNames = ['d/*/floor/*', 't/*/floor/*'];

/** A blob's name is never reused, so that a reader cannot see it change: a PUT that could overwrite is refused. */
export function neverOverwrite(bucket: IBucket): PolicyStatement {
  return new PolicyStatement({
    sid: 'BlobsAreWrittenOnce',
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    actions: ['s3:PutObject'],
    notResources: floorNames.map((names) => bucket.arnForObjects(names)),
    conditions: {
      Null: { 's3:if-none-match': 'true' },
      // Parts of a multipart upload carry no such header; its completion does.
      Bool: { 's3:ObjectCreationOperation': 'true' },
    },
  });
}

/** A home that was given up may still copy blobs, floors and deletions of a timeline that has ended. */
export function refuseCopies(bucket: IBucket): PolicyStatement {
  return new PolicyStatement({
    sid: 'CopiesAreRefused',
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    actions: ['s3:ReplicateObject', 's3:ReplicateDelete', 's3:ReplicateTags'],
    resources: [bucket.arnForObjects('*')],
  });
}

/** The copy of a floor is raised by whoever has seen it as it is. */
export function raiseOnCondition(bucket: IBucket): PolicyStatement {
  return new PolicyStatement({
    sid: 'FloorsAreRaisedOnCondition',
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    actions: ['s3:PutObject'],
    resources: floorNames.map((names) => bucket.arnForObjects(names)),
    conditions: { Null: { 's3:if-none-match': 'true', 's3:if-match': 'true' } },
  });
}
