import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runHollowCaptured } from '../../support/captured-terminal.ts';
import { expectedToDump } from '../../support/expected-to-dump.ts';
import { readExpected } from '../../support/golden-fixtures.ts';

const fixtures = join(import.meta.dirname, '..', '..', 'golden', 'fixtures');

describe('the hollow command', () => {
  let scratch = '';
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'hollow-cli-'));
  });
  afterAll(() => rm(scratch, { recursive: true, force: true }));

  it('teaches', async () => {
    const { exitCode, output } = await runHollowCaptured('--help');
    expect(exitCode).toBe(0);
    expect(output).toContain('inspect');
    expect(output).toContain('Exit codes:');
  });

  it('says its version', async () => {
    const { version } = JSON.parse(
      await readFile(join(import.meta.dirname, '../../../package.json'), 'utf8'),
    );
    expect(await runHollowCaptured('--version')).toEqual({ exitCode: 0, output: `${version}\n`, error: '' });
  });

  it.each([[], ['nothing'], ['inspect'], ['inspect', 'a', '--unknown']])(
    'refuses wrong calls: %j',
    async (...args) => {
      const { exitCode, error } = await runHollowCaptured(...args);
      expect(exitCode).toBe(2);
      expect(error).not.toBe('');
    },
  );

  it('says with its exit code what kind of error it is', async () => {
    const noBlob = join(scratch, 'no-blob');
    await writeFile(noBlob, 'this is no blob at all');
    const cut = join(scratch, 'cut');
    await writeFile(cut, Buffer.from('00000406', 'hex'));
    expect((await runHollowCaptured('inspect', noBlob)).exitCode).toBe(5);
    expect((await runHollowCaptured('inspect', cut)).exitCode).toBe(6);
    expect((await runHollowCaptured('inspect', join(scratch, 'missing'))).exitCode).toBe(9);
  });

  it('prints errors as JSON when asked, those of a wrong call too', async () => {
    const call = await runHollowCaptured('inspect', '--json');
    expect(JSON.parse(call.error)).toEqual({
      error: { kind: 'invalid', message: "missing required argument 'blob'", details: {} },
    });
    expect(call.exitCode).toBe(2);
    const { error } = await runHollowCaptured('inspect', join(scratch, 'missing'), '--json');
    expect(JSON.parse(error)).toMatchObject({ error: { kind: 'unavailable', details: { code: 'ENOENT' } } });
  });

  it('ends well when nobody reads what it prints', async () => {
    const program = join(import.meta.dirname, '..', '..', '..', 'lib', 'cli', 'hollow.ts');
    const child = spawn(process.execPath, [program, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    const [error, [exitCode]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect({ exitCode, error }).toEqual({ exitCode: 0, error: '' });
  });

  describe('inspect', () => {
    const snapshot = join(fixtures, 'tiny-worked-example', 'snapshot-1');

    it('shows a blob to people', async () => {
      const { exitCode, output } = await runHollowCaptured('inspect', snapshot, '--schemas');
      expect(exitCode).toBe(0);
      expect(output.split('\n').slice(0, 4)).toEqual([
        'snapshot, 4273 bytes, ffffffffffffffff -> 1111111111111111',
        '  k = "v"',
        'type  records  max ordinal  shards  bytes  columns (name:bits:bytes)',
        'P           3            2       1   2105  id:10:4 nm:4:6',
      ]);
      expect(output).toContain('Ps Set<P> @HashKey(id);');
    });

    it('shows an optional part', async () => {
      const part = join(fixtures, 'optional-parts', 'delta-1-2.part-extras');
      const { exitCode, output } = await runHollowCaptured('inspect', part);
      expect(exitCode).toBe(0);
      expect(output.split('\n').slice(0, 3)).toEqual([
        "part 'extras' of a delta, 158 bytes, 7e6a4868d8661490 -> 2506701e1b067b32",
        'type    added  removed  max ordinal  shards  bytes  columns (name:bits:bytes)',
        'Extra       1        1            4       1     42  s:5:3',
      ]);
    });

    it('shows it to programs', async () => {
      const { output } = await runHollowCaptured('inspect', snapshot, '--json');
      expect(JSON.parse(output)).toMatchObject({
        kind: 'snapshot',
        tag: '1111111111111111',
        headerTags: { k: 'v' },
        types: [{ name: 'P', recordCount: 3 }, { name: 'Ps' }],
      });
    });
  });

  describe('dump', () => {
    const file = (chain: string, name: string): string => join(fixtures, chain, name);
    const expected = (chain: string, version: number): string => {
      const state = readExpected(chain, `expected-${version}.json`);
      return state === null ? '' : `${expectedToDump(state).join('\n')}\n`;
    };

    it('prints a state, after deltas too, and back again', async () => {
      const chain = ['snapshot-1', 'delta-1-2', 'delta-2-3'].map((name) => file('collections', name));
      expect((await runHollowCaptured('dump', ...chain)).output).toBe(expected('collections', 3));
      const back = ['--reverse', file('collections', 'reversedelta-3-2')];
      expect((await runHollowCaptured('dump', ...chain, ...back)).output).toBe(expected('collections', 2));
    });

    it('finds out which blob a part belongs to', async () => {
      const names = ['delta-1-2.part-extras', 'snapshot-1.part-extras'];
      const parts = names.flatMap((name) => ['--part', file('optional-parts', name)]);
      const blobs = ['snapshot-1', 'delta-1-2'].map((name) => file('optional-parts', name));
      expect((await runHollowCaptured('dump', ...blobs, ...parts)).output).toBe(
        expected('optional-parts', 2),
      );
      const stray = await runHollowCaptured('dump', file('optional-parts', 'snapshot-3'), ...parts);
      expect(stray.exitCode).toBe(2);
      expect(stray.error).toContain('belongs to none');
    });

    it('names the blob that does not fit', async () => {
      const blobs = ['snapshot-1', 'delta-2-3'].map((name) => file('collections', name));
      const { exitCode, error } = await runHollowCaptured('dump', ...blobs);
      expect(exitCode).toBe(6);
      expect(error).toContain("delta-2-3': the delta starts at the tag ");
    });

    it.each([
      [
        'a delta for a snapshot',
        ['delta-1-2', 'snapshot-1'],
        "delta-1-2' is a delta, expected here is a snapshot",
      ],
      [
        'a snapshot for a delta',
        ['snapshot-1', 'snapshot-2'],
        "snapshot-2' is a snapshot, expected here is a delta",
      ],
    ])('knows %s from damage', async (_, names, problem) => {
      const { exitCode, error } = await runHollowCaptured(
        'dump',
        ...names.map((name) => file('collections', name)),
      );
      expect(exitCode).toBe(2);
      expect(error).toContain(problem);
    });

    it('says when a comparison needs a part', async () => {
      const blobs = ['snapshot-1', 'snapshot-2'].map((name) => file('optional-parts', name));
      const { exitCode, error } = await runHollowCaptured('diff', ...blobs);
      expect(exitCode).toBe(2);
      expect(error).toContain('give their optional parts with --part');
      const parts = blobs.flatMap((name) => ['--part', `${name}.part-extras`]);
      expect((await runHollowCaptured('diff', ...blobs, ...parts)).exitCode).toBe(1);
    });

    it('knows a part from a blob, and one part from another', async () => {
      const [part, later] = ['delta-1-2.part-extras', 'snapshot-2.part-extras'].map((name) =>
        file('optional-parts', name),
      );
      const blobs = ['snapshot-1', 'delta-1-2'].map((name) => file('optional-parts', name));
      const dump = (...args: readonly (string | undefined)[]) =>
        runHollowCaptured('dump', ...args.map((arg) => arg ?? ''));
      expect((await dump(part)).error).toMatch(/part-extras': format 1031 .* an optional part/);
      expect((await dump(...blobs, '--part', blobs[0])).error).toContain(
        "snapshot-1': this is no optional part",
      );
      const twice = await dump(...blobs, '--part', part, '--part', later);
      expect(twice.exitCode).toBe(2);
      expect(twice.error).toContain("is a second part 'extras' of");
    });
  });
});
