import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stages } from '../../infra/stages.ts';
import { context } from './template.ts';

const root = join(import.meta.dirname, '..', '..');
const outdir = mkdtempSync(join(tmpdir(), 'hollow-synth-'));
const namesAccount = (name: string): boolean => /^(AWS_|CDK_)/.test(name);

/** As `cdk synth` runs the app, with every check on, and with nothing in the environment that names an account. */
beforeAll(() => {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !namesAccount(name)));
  execFileSync(process.execPath, ['infra/app.ts'], {
    cwd: root,
    env: { ...environment, CDK_OUTDIR: outdir, CDK_CONTEXT_JSON: JSON.stringify(context) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
});

afterAll(() => rmSync(outdir, { recursive: true, force: true }));

const fileOf = (stage: string, kind: string) => `serverless-hollow-${stage}.${kind}.json`;

interface Report {
  readonly pluginReports: readonly {
    readonly summary: { readonly status: string; readonly pluginName: string };
    readonly violations: readonly unknown[];
  }[];
}

describe('the app', () => {
  it('makes one template per stage without an account, and passes every check', () => {
    expect(readdirSync(outdir)).toEqual(expect.arrayContaining(stages.map(({ name }) => fileOf(name, 'template'))));
    const report = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8')) as Report;
    expect(JSON.stringify(report)).toBe('');
  });

  it('writes no path of this machine into a template', () => {
    for (const { name } of stages) {
      expect(readFileSync(join(outdir, fileOf(name, 'template')), 'utf8')).not.toContain(root);
    }
  });

  it('uploads nothing but the bundles of the functions', () => {
    const assets = JSON.parse(readFileSync(join(outdir, fileOf('dev', 'assets')), 'utf8')) as {
      files: Record<string, { displayName: string }>;
      dockerImages: Record<string, unknown>;
    };
    expect(Object.values(assets.files).map(({ displayName }) => displayName)).toEqual([]);
    expect(assets.dockerImages).toEqual({});
  });
});
