/** docs/cli.md says nothing that was not tried: its sessions are run as they stand there. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodeOf, exitCodes } from '../../../lib/cli/exit-codes.ts';
import { runHollowCaptured } from '../../support/captured-terminal.ts';
import { root } from '../../support/source-tree.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const page = readFileSync(join(root, 'docs/cli.md'), 'utf8');
const sessions = Array.from(page.matchAll(/^```console\n(.*?)^```/gms), ([, text = '']) => text);
const steps = sessions.flatMap((session) =>
  session
    .split(/^\$ /m)
    .slice(1)
    .map((step) => {
      const end = step.indexOf('\n');
      return { command: step.slice(0, end), output: step.slice(end + 1) };
    }),
);
/** Each state has another one. */
const withoutTag = (text: string): string => text.replace(/"randomizedTag":"[0-9a-f]{16}"/, '');

describe('the page of the hollow command', () => {
  let scratch: Awaited<ReturnType<typeof temporaryDirectory>>;
  let exitCode = 0;
  beforeAll(async () => {
    scratch = await temporaryDirectory();
  });
  afterAll(() => scratch.remove());

  it.each(steps)('shows what happens: $command', async ({ command, output }) => {
    const [program, ...args] = command.split(' ');
    if (program === 'cat') await writeFile(join(scratch.path, args[0] ?? ''), output);
    else if (program === 'echo') expect(`${exitCode}\n`).toBe(output);
    else {
      const here = args.map((arg) => (/^(cities|changes)/.test(arg) ? join(scratch.path, arg) : arg));
      const run = await runHollowCaptured(...here);
      exitCode = run.exitCode;
      expect(program).toBe('hollow');
      expect({ output: withoutTag(run.output), error: run.error }).toEqual({
        output: withoutTag(output),
        error: '',
      });
    }
  });

  it('has every command', async () => {
    const { output } = await runHollowCaptured('--help');
    const commands = Array.from(output.matchAll(/^ {2}([a-z]+) [[<]/gm), ([, name = '']) => name);
    const named = Array.from(page.matchAll(/^\| `hollow ([a-z]+) /gm), ([, name = '']) => name);
    expect(commands.filter((name) => name !== 'help').toSorted()).toEqual(named.toSorted());
    expect(named.length).toBeGreaterThan(4);
    for (const name of named) {
      const help = await runHollowCaptured(name, '--help');
      expect(help.output, name).toContain('--json');
      expect(help.output, name).toContain(`Example:\n  hollow ${name} `);
    }
  });

  it('has every exit code', () => {
    const known = new Set([...Object.values(exitCodes), ...Object.values(exitCodeOf)]);
    const named = Array.from(page.matchAll(/^\| (\d+) \|/gm), ([, code]) => Number(code));
    expect(named).toEqual([...known].toSorted((a, b) => a - b));
  });
});
