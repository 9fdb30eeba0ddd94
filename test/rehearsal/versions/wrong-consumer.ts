/** A bad version that a check can see: it reads one field wrong. */
import type { Context } from 'aws-lambda';
import { handler as real } from '../../../functions/consumer.ts';

export const handler = async (event: unknown, context: Context): Promise<object> => {
  const answer = await real(event, context);
  const { record } = answer;
  if (record === null || record === undefined) return answer;
  return { ...answer, record: { ...record, population: Number(record['population']) + 1 } };
};
