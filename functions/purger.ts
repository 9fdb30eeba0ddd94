import { composeProducer, lambdaHandler } from './runtime.ts';

const { producer, telemetry, currentSettings } = composeProducer();

/** Once a day. Forgets deletions and operations that are older than any message could be; what is left over, the next run takes. */
export const handler = lambdaHandler<unknown, { readonly purgedCount: number }>(
  telemetry,
  async (_, context) => {
    const { isPaused } = await currentSettings();
    if (isPaused) return { purgedCount: 0 };
    const purgedCount = await producer.purge({ remainingMs: () => context.getRemainingTimeInMillis() });
    return { purgedCount };
  },
);
