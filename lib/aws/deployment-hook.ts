import {
  type CodeDeployClient,
  PutLifecycleEventHookExecutionStatusCommand,
} from '@aws-sdk/client-codedeploy';
import { awsError } from './errors.ts';

/** What CodeDeploy sends to a hook. */
export interface HookEvent {
  readonly DeploymentId: string;
  readonly LifecycleEventHookExecutionId: string;
}

/** Tells CodeDeploy what a hook found. Without an answer a deployment waits for an hour, then fails. */
export async function reportHook(client: CodeDeployClient, event: HookEvent, passed: boolean): Promise<void> {
  try {
    await client.send(
      new PutLifecycleEventHookExecutionStatusCommand({
        deploymentId: event.DeploymentId,
        lifecycleEventHookExecutionId: event.LifecycleEventHookExecutionId,
        status: passed ? 'Succeeded' : 'Failed',
      }),
    );
  } catch (error) {
    throw awsError(error, 'reporting to CodeDeploy');
  }
}
