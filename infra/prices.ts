/**
 * US dollars in eu-west-1, as the dashboard's estimate and docs/deploy.md count with them: list prices as they were known in
 * 2026-11, not held against the price pages of AWS. Check them before you plan with them. The bench of commits counts with us-east-1.
 */
export const prices = {
  lambdaRequest: 0.2e-6,
  /** arm64. */
  lambdaGigabyteSecond: 0.0000133334,
  sqsRequest: 0.4e-6,
  dynamoDbWriteUnit: 0.705e-6,
  dynamoDbReadUnit: 0.141e-6,
  s3Put: 5e-6,
  s3Get: 0.4e-6,
  eventPublished: 1e-6,
} as const;
