import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { DatasetStack } from './dataset-stack.ts';
import { stages } from './stages.ts';

try {
  const app = new App({ analyticsReporting: false });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  for (const stage of stages) new DatasetStack(app, stage);
} catch (error) {
  // Without this Node prints the minified source around an error of the CDK.
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
