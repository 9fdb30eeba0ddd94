import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Where a command prints: the process's streams, or a test's. */
export interface Terminal {
  readonly output: NodeJS.WritableStream;
  readonly error: NodeJS.WritableStream;
}

/** True: a person sees it at once. */
export function isTerminal(stream: NodeJS.WritableStream): boolean {
  return 'isTTY' in stream && stream.isTTY === true;
}

/** Characters that are written at once: one system call per line would be most of the time. */
const chunkSize = 65_536;

/** Prints lines no faster than they are read. A reader that has seen enough (`| head`) is no error. */
export async function printLines(terminal: Terminal, lines: Iterable<string>): Promise<void> {
  try {
    await pipeline(Readable.from(chunksOf(lines)), terminal.output, { end: false });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) throw error;
  }
}

function* chunksOf(lines: Iterable<string>): Generator<string> {
  let chunk = '';
  for (const line of lines) {
    chunk += `${line}\n`;
    if (chunk.length < chunkSize) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

/** Columns padded to their widest cell; numbers to the right. */
export function tableLines(
  headings: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string[] {
  const widths = headings.map((heading, i) =>
    rows.reduce((widest, row) => Math.max(widest, textOf(row[i]).length), heading.length),
  );
  const line = (cells: readonly (string | number)[]): string =>
    widths
      .map((width, i) => {
        const cell = cells[i];
        return typeof cell === 'number' ? textOf(cell).padStart(width) : textOf(cell).padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [line(headings), ...rows.map(line)];
}

function textOf(cell: string | number | undefined): string {
  return cell === undefined ? '' : String(cell);
}
