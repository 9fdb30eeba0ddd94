import { composeCleaner, lambdaHandler } from './runtime.ts';

const { removeExpiredPins, clean, telemetry } = composeCleaner();

interface Answer {
  readonly removedPins: readonly string[];
  readonly floor: number | null;
  readonly deletedCount: number;
  /** False: the next run goes on. */
  readonly isComplete: boolean;
}

/** On a schedule. First lets go of pins whose time is over, then deletes what nobody can need any more. */
export const handler = lambdaHandler<unknown, Answer>(telemetry, async () => {
  const removedPins = await removeExpiredPins();
  const { floor, names, isComplete } = await clean();
  return { removedPins, floor, deletedCount: names.length, isComplete };
});
