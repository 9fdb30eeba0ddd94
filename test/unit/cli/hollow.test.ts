import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runHollowCaptured } from '../../support/captured-terminal.ts';

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

  it('prints errors as JSON when asked', async () => {
    const { error } = await runHollowCaptured('inspect', join(scratch, 'missing'), '--json');
    expect(JSON.parse(error)).toMatchObject({ error: { kind: 'unavailable', details: { code: 'ENOENT' } } });
  });

  describe('inspect', () => {
    const snapshot = join(fixtures, 'tiny-worked-example', 'snapshot-1');

    it('shows a blob to people', async () => {
      const { exitCode, output } = await runHollowCaptured('inspect', snapshot, '--schemas');
      expect(exitCode).toBe(0);
      expect(output.split('\n').slice(0, 4)).toEqual([
        'snapshot, 4273 bytes, ffffffffffffffff -> 1111111111111111',
        '  k = "v"',
        'type  records  max ordinal  shards  bytes  bits per column',
        'P           3            2       1   2105  id:10 nm:4',
      ]);
      expect(output).toContain('Ps Set<P> @HashKey(id);');
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
});
