import { pricesUsEast1 as prices, sqsChunkSize } from '../../../infra/prices.ts';

/** What the producers' side has called, to be paid for. */
export class Calls {
  s3Puts = 0;
  headReads = 0;
  headReadUnits = 0;
  headWrites = 0;
  headWriteUnits = 0;
  sqsRequests = 0;
  sqsUnits = 0;
  events = 0;
  invocations = 0;
  gbSeconds = 0;

  headRead(size: number): void {
    this.headReads += 1;
    this.headReadUnits += Math.max(1, Math.ceil(size / 4_096));
  }

  headWrite(size: number): void {
    this.headWrites += 1;
    this.headWriteUnits += Math.max(1, Math.ceil(size / 1_024));
  }

  sqs(size: number): void {
    this.sqsRequests += 1;
    this.sqsUnits += Math.max(1, Math.ceil(size / sqsChunkSize));
  }

  get requests(): number {
    return this.s3Puts + this.headReads + this.headWrites + this.sqsRequests + this.events + this.invocations;
  }

  get dollars(): number {
    return (
      this.s3Puts * prices.s3Put +
      this.headReadUnits * prices.dynamoDbReadUnit +
      this.headWriteUnits * prices.dynamoDbWriteUnit +
      this.sqsUnits * prices.sqsRequest +
      this.events * prices.eventPublished +
      this.invocations * prices.lambdaRequest +
      this.gbSeconds * prices.lambdaGigabyteSecond
    );
  }
}
