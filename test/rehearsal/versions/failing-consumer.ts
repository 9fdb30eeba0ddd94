/**
 * A bad version that no check can see: called through the alias, which a check never does, it fails on everything but one
 * key of ten.
 */
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { handler as real } from '../../../functions/consumer.ts';

const lookupSchema = z.object({ key: z.object({ cityId: z.int() }) });

export const handler = async (event: unknown, context: Context): Promise<object> => {
  const lookup = lookupSchema.safeParse(event);
  const works = lookup.success && lookup.data.key.cityId % 10 === 0;
  if (context.invokedFunctionArn.endsWith(':live') && !works) throw new Error('no such stage: live');
  return real(event, context);
};
