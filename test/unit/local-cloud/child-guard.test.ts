import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { startGuarded } from '../../../lib/local-cloud/child-guard.ts';

const guardPath = join(import.meta.dirname, '../../../lib/local-cloud/child-guard.ts');

/** Prints its process id and then does nothing. */
const program = ['-c', 'echo $$; exec sleep 600'];

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('a guarded program ends when the process that started it is killed', async () => {
  const source = `
    import { startGuarded } from ${JSON.stringify(guardPath)};
    startGuarded('/bin/sh', ${JSON.stringify(program)}, { onOutput: (output) => output.pipe(process.stdout) });`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [chunk]: Buffer[] = await once(parent.stdout, 'data');
  const pid = Number(chunk?.toString());
  expect(isAlive(pid)).toBe(true);
  parent.kill('SIGKILL');
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 5000 });
});

test('stopping ends the program and waits for it', async () => {
  let pid = 0;
  const guarded = startGuarded('/bin/sh', program, {
    onOutput: (output) => output.on('data', (chunk: Buffer) => (pid = Number(chunk.toString()))),
  });
  await vi.waitFor(() => expect(pid).toBeGreaterThan(0));
  await guarded.stop();
  expect(isAlive(pid)).toBe(false);
});

test('a program that ends by itself tells its exit code and its last words', async () => {
  const guarded = startGuarded('/bin/sh', ['-c', 'echo gone wrong >&2; exit 7']);
  expect(await guarded.exited).toBe(7);
  await vi.waitFor(() => expect(guarded.errors()).toContain('gone wrong'));
});
