import { composeSnapshotter, lambdaHandler } from './runtime.ts';

const { snapshotter, telemetry, currentSettings } = composeSnapshotter();

/** Whatever wakes it, a schedule or an announcement: it looks at the head and decides itself. */
export const handler = lambdaHandler<unknown, { readonly version: number | null }>(telemetry, async () => {
  const { isPaused } = await currentSettings();
  const run = isPaused ? null : await snapshotter.run();
  return { version: run?.version ?? null };
});
