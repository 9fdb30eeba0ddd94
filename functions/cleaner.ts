import { composeCleaner, lambdaHandler } from './runtime.ts';

const { removeExpiredPins, clean, telemetry, currentSettings } = composeCleaner();

interface Answer {
  readonly removedPins: readonly string[];
  readonly floor: number | null;
  readonly deletedCount: number;
  /** False: the next run goes on. */
  readonly isComplete: boolean;
}

/** On a schedule. First lets go of pins whose time is over, then deletes what nobody can need any more. */
export const handler = lambdaHandler<unknown, Answer>(telemetry, async () => {
  const { isPaused, isCleaning } = await currentSettings();
  if (isPaused || !isCleaning) return { removedPins: [], floor: null, deletedCount: 0, isComplete: false };
  const removedPins = await removeExpiredPins();
  const { floor, names, isComplete } = await clean();
  return { removedPins, floor, deletedCount: names.length, isComplete };
});
