/**
 * `serverless-hollow/sender`: changes a dataset, from any program. Needs a queue (`./aws`, `./local`, `./testing`).
 *
 * @example
 * import { AwsMutationSink, sqsClient } from 'serverless-hollow/aws';
 * import { systemClock, systemRandom } from 'serverless-hollow/local';
 * import { Sender } from 'serverless-hollow/sender';
 *
 * const sinks = new AwsMutationSink({ client: sqsClient(), queueUrl });
 * const sender = new Sender({ dataset: cities, sinks, clock: systemClock, random: systemRandom, telemetry });
 * await sender.patch('City', { id: 2988507 }, { population: 2_102_650 });
 * await sender.close();
 */

export type { ClaimPorts } from './claim.ts';
export { BlobInbox, type BlobInboxOptions } from './inbox.ts';
export type { Codec, Inbox, MutationSink } from './ports.ts';
export type { Receipt } from './receipt.ts';
export type { AmountsOf, IfAbsent, IfVersion, MutationInput, Order } from './sender/mutation-input.ts';
export type { Priority } from './sender/send-buffer.ts';
export {
  type ConditionOptions,
  Sender,
  type SenderOptions,
  type SendOptions,
  type Sent,
} from './sender/sender.ts';
