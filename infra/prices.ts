/**
 * US dollars per unit: list prices as they were known at {@link pricesAsOf}, not held against the price pages of AWS. Check
 * them before you plan with them; a bill has discounts, free tiers and taxes that are not here. The only file with prices:
 * the dashboard's estimate, docs/deploy.md and the bench of commits count with it.
 */
export const pricesAsOf = '2026-11';

/** In eu-west-1. */
export const prices = {
  /** arm64. aws.amazon.com/lambda/pricing */
  lambdaRequest: 0.2e-6,
  lambdaGigabyteSecond: 0.0000133334,
  /** Standard queue, per request of up to {@link sqsChunkSize}. aws.amazon.com/sqs/pricing */
  sqsRequest: 0.4e-6,
  /** On demand: 1 KB written, 4 KB read strongly. aws.amazon.com/dynamodb/pricing/on-demand */
  dynamoDbWriteUnit: 0.705e-6,
  dynamoDbReadUnit: 0.141e-6,
  /** S3 Standard. aws.amazon.com/s3/pricing */
  s3Put: 5e-6,
  s3Get: 0.4e-6,
  /** Custom events of up to 64 KB. aws.amazon.com/eventbridge/pricing */
  eventPublished: 1e-6,
  /** arm64. aws.amazon.com/fargate/pricing */
  fargateProcessorHour: 0.03238,
  fargateGigabyteHour: 0.00356,
  /** Without its capacity units, which are cents here. aws.amazon.com/elasticloadbalancing/pricing */
  loadBalancerHour: 0.0252,
} as const;

/** In us-east-1: what is cheaper there. */
export const pricesUsEast1 = { ...prices, dynamoDbWriteUnit: 0.625e-6, dynamoDbReadUnit: 0.125e-6 } as const;

/** Bytes. */
export const sqsChunkSize = 65_536;
