/** Suites that deploy: bundles are built and the stage `dev` is synthesized once per run, into a directory of its own. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import type { TestProject } from 'vitest/node';
import { buildBundles } from '../../build.ts';
import { DatasetStack } from '../../infra/dataset-stack.ts';
import { stages } from '../../infra/stages.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** What the CDK wrote: lib/local-cloud/assembly.ts reads it. */
    readonly assemblyDirectory: string;
  }
}

const cdkSettings = join(import.meta.dirname, '..', '..', 'cdk.json');

/** Without the checks of cdk-nag: test/infra runs those. */
export default async function setup(project: TestProject): Promise<() => void> {
  await buildBundles();
  const outdir = mkdtempSync(join(tmpdir(), 'hollow-assembly-'));
  const { context }: { context: Record<string, unknown> } = JSON.parse(readFileSync(cdkSettings, 'utf8'));
  const app = new App({ outdir, context, analyticsReporting: false, builtinCloudFormationValidation: false });
  for (const stage of stages.filter(({ name }) => name === 'dev')) new DatasetStack(app, stage);
  app.synth();
  project.provide('assemblyDirectory', outdir);
  return () => rmSync(outdir, { recursive: true, force: true });
}
