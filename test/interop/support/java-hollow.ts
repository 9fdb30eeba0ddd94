import { z } from 'zod';
import { LineProcess } from '../../support/line-process.ts';
import { javaProgram } from './java-availability.ts';

/** JVM options for short runs: little CPU, quick start. */
const shortRun = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xss4m', '-Xmx1g'];

/**
 * The running Java program; its sources say what the commands do.
 *
 * @example
 * await using java = startJava();
 * await java.request('read.snapshot', { session: 'a', file });
 * const lines = await dumpOf(java, 'a');
 */
export function startJava(jvmOptions: readonly string[] = shortRun): LineProcess {
  return new LineProcess('Java', javaProgram.java, [...jvmOptions, '-jar', javaProgram.jar]);
}

/** The state of a session as the lines of `hollow dump`. */
export async function dumpOf(java: LineProcess, session: string): Promise<readonly string[]> {
  return (await java.request('view.dump', { session }, replies.dump)).lines;
}

/** Shapes of the results; the Java sources say what they mean. */
export const replies = {
  dump: z.object({ lines: z.array(z.string()) }),
  ordinals: z.object({ ordinals: z.array(z.number()) }),
  found: z.object({ found: z.array(z.union([z.number(), z.tuple([z.number(), z.number()])])) }),
  lookUps: z.object({
    byPrimaryKey: z.number(),
    byHashKey: z.number(),
    byOrdinal: z.number(),
    mismatches: z.array(z.string()),
  }),
  followed: z.object({ version: z.string(), loaded: z.array(z.string()) }),
  version: z.object({ version: z.string() }),
  state: z.object({ changed: z.boolean() }),
} as const;
