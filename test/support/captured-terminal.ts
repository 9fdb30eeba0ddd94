import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { runHollow } from '../../lib/cli/hollow-program.ts';

export interface HollowRun {
  readonly exitCode: number;
  readonly output: string;
  readonly error: string;
}

/** Runs the `hollow` command in this process. */
export function runHollowCaptured(...args: readonly string[]): Promise<HollowRun> {
  return run({ output: new PassThrough(), error: new PassThrough() }, args);
}

/** The same where a person watches what is not the output. */
export function runHollowWatched(...args: readonly string[]): Promise<HollowRun> {
  return run({ output: new PassThrough(), error: Object.assign(new PassThrough(), { isTTY: true }) }, args);
}

async function run(
  terminal: { readonly output: PassThrough; readonly error: PassThrough },
  args: readonly string[],
): Promise<HollowRun> {
  const output = text(terminal.output);
  const error = text(terminal.error);
  const exitCode = await runHollow(args, terminal);
  terminal.output.end();
  terminal.error.end();
  return { exitCode, output: await output, error: await error };
}
