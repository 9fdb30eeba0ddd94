/**
 * List prices of us-east-1 in US dollars, as they were known in 2026-11, not held against the price pages named below; a bill has
 * discounts, free tiers and taxes that are not here. infra/prices.ts has those of eu-west-1, for the dashboard and docs/deploy.md.
 */
export const pricesAsOf = '2026-11';

export const prices = {
  /** DynamoDB on demand, per request unit: 1 KB written, 4 KB read strongly. aws.amazon.com/dynamodb/pricing/on-demand */
  dynamoDbWriteUnit: 0.625e-6,
  dynamoDbReadUnit: 0.125e-6,
  /** S3 Standard, per request. aws.amazon.com/s3/pricing */
  s3Put: 5e-6,
  s3Get: 0.4e-6,
  /** SQS standard queue, per request of up to 64 KB. aws.amazon.com/sqs/pricing */
  sqsRequest: 0.4e-6,
  sqsChunkSize: 65_536,
  /** EventBridge custom events, per event of up to 64 KB. aws.amazon.com/eventbridge/pricing */
  eventBridgeEvent: 1e-6,
  /** Lambda on arm64. aws.amazon.com/lambda/pricing */
  lambdaInvocation: 0.2e-6,
  lambdaGbSecond: 13.3334e-6,
} as const;
