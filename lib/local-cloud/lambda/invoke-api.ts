/** The Invoke operation of the Lambda API, as SDKs and the AWS CLI call it. Other operations are refused with 501. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isDatasetError } from '../../errors.ts';
import type { LocalService } from '../environment.ts';
import { Counts, header, listen, readBody } from '../http.ts';
import { ThrottledError } from './lambda-function.ts';
import { type LambdaService, parseReference } from './lambda-service.ts';
import { syncPayloadSizeMax } from './runtime-api.ts';

/** Of an asynchronous invocation, in bytes. Lambda quotas. */
const asyncPayloadSizeMax = 1_048_576;

export async function startInvokeApi(service: LambdaService, port?: number): Promise<LocalService> {
  const counts = new Counts();
  const listener = await listen((request, response) => void answer(service, counts, request, response), port);
  return { endpoint: listener.endpoint, requests: () => counts.all(), stop: () => listener.close() };
}

class InvokeError extends Error {
  override readonly name = 'InvokeError';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

async function answer(
  service: LambdaService,
  counts: Counts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const [, name] = /^\/2015-03-31\/functions\/([^/]+)\/invocations\/?$/.exec(url.pathname) ?? [];
    if (request.method !== 'POST' || name === undefined) {
      counts.add(`${request.method} ${url.pathname}`);
      throw new InvokeError(501, 'NotImplemented', 'The local Lambda implements Invoke only.');
    }
    counts.add('Invoke');
    const reference = parseReference(
      decodeURIComponent(name),
      url.searchParams.get('Qualifier') ?? undefined,
    );
    const payload = await readPayload(request);
    switch (header(request, 'x-amz-invocation-type') ?? 'RequestResponse') {
      case 'RequestResponse':
        return await invoke(service, reference, payload, response);
      case 'Event':
        if (payload.length > asyncPayloadSizeMax) throw tooLarge(payload.length);
        service.invokeLater(reference, payload);
        response.writeHead(202, { 'x-amzn-requestid': randomUUID() }).end();
        return;
      case 'DryRun':
        service.get(reference.name).resolve(reference.qualifier);
        response.writeHead(204).end();
        return;
      default:
        throw new InvokeError(400, 'InvalidParameterValueException', 'Unknown X-Amz-Invocation-Type');
    }
  } catch (error) {
    answerError(response, error);
  }
}

async function invoke(
  service: LambdaService,
  reference: { name: string; qualifier: string | undefined },
  payload: Buffer,
  response: ServerResponse,
): Promise<void> {
  const result = await service.invoke(reference, payload);
  response
    .writeHead(200, {
      'content-type': 'application/json',
      'content-length': result.payload.length,
      'x-amzn-requestid': result.requestId,
      'x-amz-executed-version': result.executedVersion,
      ...(result.kind === 'error' ? { 'x-amz-function-error': 'Unhandled' } : {}),
    })
    .end(result.payload);
}

async function readPayload(request: IncomingMessage): Promise<Buffer> {
  const body = await readBody(request);
  if (body.length > syncPayloadSizeMax) throw tooLarge(body.length);
  if (body.length === 0) return Buffer.from('{}');
  try {
    JSON.parse(body.toString());
    return body;
  } catch (error) {
    const reason = error instanceof Error ? error.message : '';
    throw new InvokeError(
      400,
      'InvalidRequestContentException',
      `Could not parse request body into json: ${reason}`,
    );
  }
}

function tooLarge(size: number): InvokeError {
  return new InvokeError(413, 'RequestTooLargeException', `Request of ${size} bytes is too large`);
}

function answerError(response: ServerResponse, error: unknown): void {
  const known = toInvokeError(error);
  const body = JSON.stringify({ Type: known.status < 500 ? 'User' : 'Service', Message: known.message });
  response
    .writeHead(known.status, {
      'content-type': 'application/json',
      'x-amzn-errortype': known.code,
      'x-amzn-requestid': randomUUID(),
    })
    .end(body);
}

function toInvokeError(error: unknown): InvokeError {
  if (error instanceof InvokeError) return error;
  if (error instanceof ThrottledError) return new InvokeError(429, 'TooManyRequestsException', error.message);
  if (isDatasetError(error, 'invalid'))
    return new InvokeError(404, 'ResourceNotFoundException', error.message);
  return new InvokeError(500, 'ServiceException', String(error));
}
