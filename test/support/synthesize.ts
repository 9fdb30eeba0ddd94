/** Suites that deploy: bundles are built and the stage `dev` is synthesized once per run, into a directory of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { buildBundles } from '../../build.ts';
import { synthesizeStages } from './stage-assembly.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** What the CDK wrote: lib/local-cloud/assembly.ts reads it. */
    readonly assemblyDirectory: string;
  }
}

export default async function setup(project: TestProject): Promise<() => void> {
  await buildBundles();
  const outdir = mkdtempSync(join(tmpdir(), 'hollow-assembly-'));
  synthesizeStages(outdir, ['dev']);
  project.provide('assemblyDirectory', outdir);
  return () => rmSync(outdir, { recursive: true, force: true });
}
