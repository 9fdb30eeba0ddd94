/**
 * Where a dataset is deployed and how careful that place is, as data. One stack per stage.
 *
 *   app.ts             the app: one stack per stage, checks on
 *   stages.ts          the stages (this file)
 *   dataset-stack.ts   a stack with one dataset, and its outputs
 *   dataset.ts         HollowDataset, the construct for other people's stacks
 *   storage.ts         table of heads, bucket of blobs, and who may do what with them
 *   ingestion.ts       mutation queue, its dead-letter and quarantine queues, producer function
 *   dissemination.ts   bus, rule, announcement queue, consumer function
 *   service-function.ts  a Lambda function as every function here is made
 *   acknowledge.ts     reasons for findings of cdk-nag
 */
import * as z from 'zod';

const stageSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/),
  /** Fixed, so that templates are the same on every machine and no account is asked. */
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/),
  /** True: data outlives the stack, and the table cannot be deleted by accident. */
  keepsData: z.boolean(),
  logRetentionDays: z.union([z.literal(7), z.literal(30), z.literal(90)]),
});

export type Stage = Readonly<z.infer<typeof stageSchema>>;

export const stages: readonly Stage[] = z.array(stageSchema).parse([
  { name: 'dev', region: 'eu-west-1', keepsData: false, logRetentionDays: 7 },
  { name: 'production', region: 'eu-west-1', keepsData: true, logRetentionDays: 90 },
]);
