/**
 * The Runtime API of one sandbox (version 2018-06-01): the runtime in the process asks for the next invocation and posts
 * its response or error. What happens to the process is the business of sandbox.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Listener, listen, readBody } from '../http.ts';

/** One call of the function, as the runtime gets it. */
export interface Invocation {
  readonly requestId: string;
  readonly payload: Buffer;
  /** Epoch ms. */
  readonly deadlineMs: number;
  /** Function ARN with the qualifier that was invoked. */
  readonly invokedArn: string;
  readonly traceId: string;
}

/** `error`: the payload is an error object as JSON, and the caller sees `X-Amz-Function-Error`. */
export interface InvocationResult {
  readonly kind: 'success' | 'error';
  readonly payload: Buffer;
}

/** Of a response and of a synchronous request, in bytes. Lambda quotas. */
export const syncPayloadSizeMax = 6 * 1_048_576;

export function errorResult(errorType: string, errorMessage: string): InvocationResult {
  return { kind: 'error', payload: Buffer.from(JSON.stringify({ errorType, errorMessage })) };
}

const prefix = '/2018-06-01/runtime';

export class RuntimeApi {
  #listener: Listener | undefined;
  readonly #ready = Promise.withResolvers<InvocationResult | null>();
  #waiting: ServerResponse | undefined;
  #queued: Invocation | undefined;
  #current: { requestId: string; resolve: (result: InvocationResult) => void } | undefined;

  /** Null when the runtime has asked for its first invocation; the error when its initialization failed. */
  get ready(): Promise<InvocationResult | null> {
    return this.#ready.promise;
  }

  /** `host:port`, the value of AWS_LAMBDA_RUNTIME_API. */
  async listen(): Promise<string> {
    this.#listener = await listen((request, response) => void this.#answer(request, response));
    return `127.0.0.1:${this.#listener.port}`;
  }

  /** Hands an invocation to the runtime; one at a time. */
  invoke(invocation: Invocation): Promise<InvocationResult> {
    const result = new Promise<InvocationResult>((resolve) => {
      this.#current = { requestId: invocation.requestId, resolve };
    });
    this.#queued = invocation;
    this.#handOver();
    return result;
  }

  /** The process is gone: whatever was waited for ends with this. */
  fail(result: InvocationResult): void {
    this.#ready.resolve(result);
    this.#finish(result);
  }

  async close(): Promise<void> {
    await this.#listener?.close();
  }

  #finish(result: InvocationResult): void {
    const current = this.#current;
    this.#current = undefined;
    current?.resolve(result);
  }

  #handOver(): void {
    const invocation = this.#queued;
    if (this.#waiting === undefined || invocation === undefined) return;
    this.#waiting
      .writeHead(200, {
        'content-type': 'application/json',
        'content-length': invocation.payload.length,
        'lambda-runtime-aws-request-id': invocation.requestId,
        'lambda-runtime-deadline-ms': String(invocation.deadlineMs),
        'lambda-runtime-invoked-function-arn': invocation.invokedArn,
        'lambda-runtime-trace-id': invocation.traceId,
      })
      .end(invocation.payload);
    this.#waiting = undefined;
    this.#queued = undefined;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    if (request.method === 'GET' && path === `${prefix}/invocation/next`) {
      this.#waiting = response;
      this.#ready.resolve(null);
      this.#handOver();
      return;
    }
    const body = await readBody(request).catch(() => null); // null: the process went away in the middle
    if (body === null) return;
    if (path === `${prefix}/init/error`) {
      accepted(response);
      this.#ready.resolve({ kind: 'error', payload: body });
      return;
    }
    const [, requestId, what] =
      /^\/2018-06-01\/runtime\/invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
    if (requestId === undefined || requestId !== this.#current?.requestId) {
      refused(response, 400, 'InvalidRequestID');
    } else if (what === 'error') {
      accepted(response);
      this.#finish({ kind: 'error', payload: body });
    } else if (body.length > syncPayloadSizeMax) {
      refused(response, 413, 'RequestEntityTooLarge');
      const message = `Response payload size (${body.length} bytes) exceeded maximum allowed payload size`;
      this.#finish(errorResult('Function.ResponseSizeTooLarge', `${message} (${syncPayloadSizeMax} bytes).`));
    } else {
      accepted(response);
      this.#finish({ kind: 'success', payload: body });
    }
  }
}

function accepted(response: ServerResponse): void {
  response.writeHead(202, { 'content-type': 'application/json' }).end('{"status":"OK"}');
}

function refused(response: ServerResponse, status: number, errorType: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ errorType }));
}
