/** A good next version: answers as the real one does, and with a field that tells it apart. */
import type { Context } from 'aws-lambda';
import { handler as real } from '../../../functions/consumer.ts';

export const handler = async (event: unknown, context: Context): Promise<object> => ({
  ...(await real(event, context)),
  build: 'next',
});
