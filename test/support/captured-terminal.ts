import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { runHollow } from '../../lib/cli/hollow-program.ts';

export interface HollowRun {
  readonly exitCode: number;
  readonly output: string;
  readonly error: string;
}

/** Runs the `hollow` command in this process. */
export async function runHollowCaptured(...args: readonly string[]): Promise<HollowRun> {
  const terminal = { output: new PassThrough(), error: new PassThrough() };
  const output = text(terminal.output);
  const error = text(terminal.error);
  const exitCode = await runHollow(args, terminal);
  terminal.output.end();
  terminal.error.end();
  return { exitCode, output: await output, error: await error };
}
