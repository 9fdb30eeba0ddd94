import type { Terminal } from './terminal.ts';

/** One run of the command line. */
export interface Session {
  readonly terminal: Terminal;
  /** Sets the exit code of a run that ends well, to other than 0. */
  end(exitCode: number): void;
}
