import { isTerminal, type Terminal } from './terminal.ts';

/** What is counted, and after how many of them it is said again: often enough to be seen moving. */
export interface ProgressOptions {
  readonly unit: string;
  readonly every: number;
}

/** Says on a terminal how far `body` is, which calls `step` for each thing done; into files and pipes it says nothing. */
export async function withProgress<Result>(
  terminal: Terminal,
  { unit, every }: ProgressOptions,
  body: (step: () => void) => Promise<Result>,
): Promise<Result> {
  if (!isTerminal(terminal.error)) return body(() => undefined);
  let count = 0;
  const step = (): void => {
    count++;
    if (count % every === 0) terminal.error.write(`\r${count.toLocaleString('en')} ${unit}`);
  };
  try {
    return await body(step);
  } finally {
    if (count >= every) terminal.error.write('\r\x1b[K');
  }
}
