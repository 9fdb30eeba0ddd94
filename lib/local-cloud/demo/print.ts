/** Output for people: numbers with separators, one line of progress on a terminal or plain lines elsewhere. */

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export function bytes(value: number): string {
  if (value < 10_000) return `${count(value)} B`;
  return value < 10_000_000 ? `${count(value / 1000)} kB` : `${(value / 1e6).toFixed(1)} MB`;
}

export function milliseconds(value: number): string {
  return value < 10_000 ? `${count(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}

export function line(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** Rows of label and value under a title. */
export function table(title: string, rows: readonly (readonly [label: string, value: string])[]): void {
  const width = Math.max(...rows.map(([label]) => label.length));
  line();
  line(title);
  for (const [label, value] of rows) line(`  ${label.padEnd(width)}  ${value}`);
}

export interface Progress {
  show(done: number): void;
  end(): void;
}

const plainEveryMs = 5000;
const terminalEveryMs = 100;

/** `what`: "cities". */
export function startProgress(total: number, what: string): Progress {
  const startMs = performance.now();
  const onTerminal = process.stdout.isTTY;
  let shownMs = Number.NEGATIVE_INFINITY;
  return {
    show(done) {
      const nowMs = performance.now();
      if (nowMs - shownMs < (onTerminal ? terminalEveryMs : plainEveryMs)) return;
      shownMs = nowMs;
      const rate = (done * 1000) / Math.max(nowMs - startMs, 1);
      const text = `${count(done)} of ${count(total)} ${what} visible, ${count(rate)}/s`;
      if (onTerminal) process.stdout.write(`\r\u001b[K${text}`);
      else line(text);
    },
    end() {
      if (onTerminal) process.stdout.write('\r\u001b[K');
    },
  };
}
