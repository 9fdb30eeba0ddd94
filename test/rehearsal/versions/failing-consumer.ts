/**
 * A bad version that no check can see: called through the alias, which a check never does, it fails on one key of five.
 * With a tenth of the traffic that is 2 % of all look-ups: an alarm on the failures of the alias stays off.
 */
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { handler as real } from '../../../functions/consumer.ts';

const lookupSchema = z.object({ key: z.object({ cityId: z.int() }) });

export const handler = async (event: unknown, context: Context): Promise<object> => {
  const lookup = lookupSchema.safeParse(event);
  const fails = lookup.success && lookup.data.key.cityId % 5 === 0;
  if (context.invokedFunctionArn.endsWith(':live') && fails) throw new Error('no such stage: live');
  return real(event, context);
};
