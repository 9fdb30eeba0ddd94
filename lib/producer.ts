/**
 * `serverless-hollow/producer`: takes mutations into a dataset. On Lambda the deployed function does this; here is what
 * it is made of, for long-lived producers and for tests.
 *
 * @example
 * import { Producer } from 'serverless-hollow/producer';
 *
 * const producer = new Producer({ id, schema: cities.schema, ...ports, announcer, quarantine });
 * await producer.run(source, signal);   // any number of producers may do so at once
 */

export { type ClaimPorts, putClaim } from './claim.ts';
export { BlobInbox, type BlobInboxOptions } from './inbox.ts';
export type {
  Announcer,
  Codec,
  Deadline,
  Inbox,
  LateQueue,
  MutationMessage,
  MutationSource,
  Quarantine,
  QuarantineEntry,
} from './ports.ts';
export type { ProducerHealth } from './producer/activity.ts';
export type { FailedMessage } from './producer/intake.ts';
export { type ProcessResult, Producer, type ProducerOptions } from './producer/producer.ts';
export {
  type Candidate,
  changeRateAtMost,
  countChangeAtMost,
  minimumCount,
  requiredType,
  type ValidationOverride,
  type Validator,
} from './producer/validators.ts';
