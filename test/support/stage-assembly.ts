/** Synthesizes stages without the checks of cdk-nag, which test/infra runs. As a program: `<directory> <stage>…` */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { DatasetStack } from '../../infra/dataset-stack.ts';
import { stages } from '../../infra/stages.ts';

const cdkSettings = join(import.meta.dirname, '..', '..', 'cdk.json');

/**
 * From the bundles in dist, without settings that change at run time: the local cloud has no AppConfig.
 *
 * @param directory lib/local-cloud/assembly.ts reads it
 */
export function synthesizeStages(directory: string, names: readonly string[]): void {
  const { context }: { context: Record<string, unknown> } = JSON.parse(readFileSync(cdkSettings, 'utf8'));
  const app = new App({
    outdir: directory,
    context,
    analyticsReporting: false,
    builtinCloudFormationValidation: false,
  });
  for (const { settings: _, ...stage } of stages)
    if (names.includes(stage.name)) new DatasetStack(app, stage);
  app.synth();
}

if (import.meta.main) {
  const [directory = '', ...names] = process.argv.slice(2);
  synthesizeStages(directory, names);
}
