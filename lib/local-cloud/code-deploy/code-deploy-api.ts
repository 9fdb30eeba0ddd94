/** The one operation of the CodeDeploy API that a hook calls, as the SDK sends it. Others are refused with 501. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { FieldReader } from '../../field-reader.ts';
import type { LocalService } from '../environment.ts';
import { Counts, header, listen, readBody } from '../http.ts';
import type { CodeDeploy } from './code-deploy.ts';

export async function startCodeDeployApi(codeDeploy: CodeDeploy): Promise<LocalService> {
  const counts = new Counts();
  const listener = await listen(
    (request, response) => void answer({ codeDeploy, counts }, request, response),
  );
  return { endpoint: listener.endpoint, requests: () => counts.all(), stop: () => listener.close() };
}

async function answer(
  { codeDeploy, counts }: { codeDeploy: CodeDeploy; counts: Counts },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const operation = header(request, 'x-amz-target')?.split('.').at(-1) ?? '';
  counts.add(operation);
  if (operation !== 'PutLifecycleEventHookExecutionStatus') {
    return respond(response, 501, { __type: 'NotImplemented', message: `not here: ${operation}` });
  }
  try {
    const fields = new FieldReader(JSON.parse((await readBody(request)).toString()), 'request');
    const status = fields.string('status', /^(Succeeded|Failed)$/) === 'Succeeded' ? 'Succeeded' : 'Failed';
    const executionId = fields.string('lifecycleEventHookExecutionId');
    if (codeDeploy.report(fields.string('deploymentId'), executionId, status)) {
      return respond(response, 200, { lifecycleEventHookExecutionId: executionId });
    }
    respond(response, 400, {
      __type: 'InvalidLifecycleEventHookExecutionIdException',
      message: `nothing waits for ${executionId}`,
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    respond(response, 400, { __type: 'InvalidLifecycleEventHookExecutionStatusException', message });
  }
}

function respond(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
}
