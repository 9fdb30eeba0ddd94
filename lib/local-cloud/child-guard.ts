/**
 * Starts a program that cannot outlive this process: a shell stands between, reads a pipe that only we hold, and ends
 * the program when the pipe closes, however we ended. In a session of its own, so that a Ctrl-C reaches us alone and the
 * shutdown stays in our order.
 */
import { type ChildProcess, spawn } from 'node:child_process';

const guard =
  'exec 3<&0; "$@" <&- & child=$!; (cat <&3 >/dev/null; kill "$child") 2>/dev/null & exec 3<&-; wait "$child"';

export interface GuardedProgram {
  readonly process: ChildProcess;
  /** Standard error so far, the last 4,000 characters. */
  errors(): string;
  /** Resolves with the exit code (null: ended by a signal) when the program has ended. */
  readonly exited: Promise<number | null>;
  stop(): Promise<void>;
}

export interface GuardOptions {
  /** Exactly these variables. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Gets standard output. */
  readonly onOutput?: (output: NodeJS.ReadableStream) => void;
}

export function startGuarded(
  command: string,
  parameters: readonly string[],
  { environment = {}, onOutput }: GuardOptions = {},
): GuardedProgram {
  const child = spawn('/bin/sh', ['-c', guard, 'guard', command, ...parameters], {
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', ...environment },
    stdio: ['pipe', onOutput === undefined ? 'ignore' : 'pipe', 'pipe'],
    detached: true,
  });
  if (child.stdout !== null) onOutput?.(child.stdout);
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4000);
  });
  child.stdin?.on('error', () => {});
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      child.stdin?.end();
      resolve(code);
    });
    child.once('error', () => resolve(null));
  });
  return {
    process: child,
    errors: () => errors,
    exited,
    async stop() {
      child.stdin?.end();
      await exited;
    },
  };
}
