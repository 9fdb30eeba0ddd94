import * as z from 'zod';
import { reportHook } from '../lib/aws/deployment-hook.ts';
import { checkDeployment, type DeployCheckResult } from '../lib/housekeeping/deploy-check.ts';
import { composeDeployCheck, lambdaHandler } from './runtime.ts';

const { options, codeDeploy, telemetry } = composeDeployCheck();

const eventSchema = z.object({ DeploymentId: z.string(), LifecycleEventHookExecutionId: z.string() });

/**
 * CodeDeploy's hook before and after traffic moves to a new version. Without an event of CodeDeploy it only answers what
 * it finds, for people: `aws lambda invoke`.
 */
export const handler = lambdaHandler<unknown, DeployCheckResult>(telemetry, async (event) => {
  const hook = eventSchema.safeParse(event);
  let passed = false;
  try {
    const result = await checkDeployment(options);
    passed = result.problem === null;
    telemetry.log(passed ? 'info' : 'error', 'checked a deployment', { ...result });
    return result;
  } finally {
    // What cannot be checked must not get traffic either.
    if (hook.success) await reportHook(codeDeploy, hook.data, passed);
  }
});
