/**
 * A bad version that no check can see: called through the alias, it fails nine batches of ten, in turn before it has done
 * anything and after it has committed: the queue then delivers what is in already.
 */
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { handler as real } from '../../../functions/producer.ts';

let batches = 0;

export const handler = async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
  if (!context.invokedFunctionArn.endsWith(':live')) return real(event, context);
  batches += 1;
  const fails = batches % 10 !== 0;
  if (fails && batches % 2 === 0) throw new Error('failed before the commit');
  const answer = await real(event, context);
  if (fails) throw new Error('failed after the commit');
  return answer;
};
