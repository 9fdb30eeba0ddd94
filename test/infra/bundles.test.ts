import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const away = mkdtempSync(join(tmpdir(), 'hollow-bundles-'));
afterAll(() => rmSync(away, { recursive: true, force: true }));

const settings = {
  AWS_REGION: 'eu-west-1',
  HOLLOW_DATASET: 'cities',
  HOLLOW_SCHEMA: readFileSync(join(root, 'datasets', 'cities.hollow'), 'utf8'),
  HOLLOW_TABLE: 'heads',
  HOLLOW_BUCKET: 'blobs',
  HOLLOW_BUS: 'bus',
  HOLLOW_QUARANTINE_QUEUE_URL: 'http://localhost/quarantine',
  HOLLOW_CANDIDATE: 'arn:aws:lambda:eu-west-1:123456789012:function:consumer:7',
  HOLLOW_LIVE: 'arn:aws:lambda:eu-west-1:123456789012:function:consumer:live',
  HOLLOW_PROBE: 'lookups',
};

describe.each(['producer', 'consumer', 'snapshotter', 'cleaner', 'purger', 'outbox', 'deploy-check'])(
  'the bundle of the %s',
  (name) => {
    const folder = join(root, 'dist', name);

    it('stays small: what is loaded at a cold start is paid by a waiting reader', () => {
      const code = readFileSync(join(folder, 'index.mjs'));
      expect(code.length).toBeLessThan(1_000_000);
      expect(gzipSync(code).length).toBeLessThan(300_000);
    });

    it('knows nothing of the machine that built it', () => {
      for (const file of ['index.mjs', 'index.mjs.map']) {
        expect(readFileSync(join(folder, file), 'utf8')).not.toContain(root);
      }
    });

    it('starts where there is nothing but Node', () => {
      cpSync(folder, join(away, name), { recursive: true });
      const script = `const { handler } = await import(${JSON.stringify('./index.mjs')}); console.log(typeof handler);`;
      const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
        cwd: join(away, name),
        env: settings,
        encoding: 'utf8',
      });
      expect(output.trim()).toBe('function');
    });

    it('refuses to start with wrong settings, and names them', () => {
      const { status, stderr } = spawnSync(process.execPath, ['--enable-source-maps', 'index.mjs'], {
        cwd: folder,
        env: { AWS_REGION: 'eu-west-1', HOLLOW_DATASET: 'cities', HOLLOW_TABEL: 'heads' },
        encoding: 'utf8',
      });
      expect(status).toBe(1);
      expect(stderr).toContain('HOLLOW_TABEL: no such setting; HOLLOW_');
      expect(stderr).toContain('HOLLOW_BUCKET: is not set');
    });
  },
);
