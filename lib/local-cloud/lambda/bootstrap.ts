/**
 * The runtime inside a sandbox: loads the handler and serves the Runtime API until the process is killed. Async handlers
 * only, as the Node 24 runtime. Run as `node bootstrap.ts <host:port> <task root> <file.export>`; ends by itself when
 * its standard input closes, so it cannot outlive the local cloud.
 */
import { existsSync } from 'node:fs';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [api = '', taskRoot = '', handlerName = ''] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const [host, port] = api.split(':');

// A runtime is where a handler's environment is made.
const environment = process.env;

type Handler = (event: unknown, context: object) => Promise<unknown>;

function call(
  method: string,
  path: string,
  body = '',
): Promise<{ headers: IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const outgoing = request(
      { agent, host, port, method, path: `/2018-06-01/runtime${path}`, headers },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => resolve({ headers: answer.headers, body: Buffer.concat(chunks).toString() }));
        answer.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function errorBody(error: unknown): string {
  if (!(error instanceof Error))
    return JSON.stringify({ errorType: typeof error, errorMessage: String(error) });
  const trace = error.stack?.split('\n') ?? [];
  return JSON.stringify({ errorType: error.name, errorMessage: error.message, trace });
}

async function loadHandler(): Promise<Handler> {
  const dot = handlerName.lastIndexOf('.');
  const file = ['.mjs', '.js', '.cjs']
    .map((extension) => join(taskRoot, handlerName.slice(0, dot) + extension))
    .find((path) => existsSync(path));
  if (file === undefined) throw new Error(`Cannot find module '${handlerName.slice(0, dot)}' in ${taskRoot}`);
  const module: Record<string, unknown> = await import(pathToFileURL(file).href);
  const handler = module[handlerName.slice(dot + 1)];
  if (typeof handler !== 'function') throw new Error(`${handlerName} is undefined or not exported`);
  if (handler.length > 2) throw new Error('Callback-based handlers are not supported; return a promise');
  return async (event, context) => handler(event, context);
}

function contextOf(headers: IncomingHttpHeaders): object {
  const deadlineMs = Number(headers['lambda-runtime-deadline-ms']);
  return {
    awsRequestId: String(headers['lambda-runtime-aws-request-id']),
    invokedFunctionArn: String(headers['lambda-runtime-invoked-function-arn']),
    functionName: environment['AWS_LAMBDA_FUNCTION_NAME'],
    functionVersion: environment['AWS_LAMBDA_FUNCTION_VERSION'],
    memoryLimitInMB: environment['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'],
    logGroupName: environment['AWS_LAMBDA_LOG_GROUP_NAME'],
    logStreamName: environment['AWS_LAMBDA_LOG_STREAM_NAME'],
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(deadlineMs - Date.now(), 0),
  };
}

async function serve(handler: Handler): Promise<never> {
  for (;;) {
    const { headers, body } = await call('GET', '/invocation/next');
    const requestId = String(headers['lambda-runtime-aws-request-id']);
    environment['_X_AMZN_TRACE_ID'] = String(headers['lambda-runtime-trace-id']);
    let outcome: { path: 'response' | 'error'; text: string };
    try {
      const result = await handler(JSON.parse(body), contextOf(headers));
      outcome = { path: 'response', text: JSON.stringify(result ?? null) };
    } catch (error) {
      outcome = { path: 'error', text: errorBody(error) };
    }
    await call('POST', `/invocation/${requestId}/${outcome.path}`, outcome.text);
  }
}

process.stdin.on('end', () => process.exit(1)).resume();

try {
  await serve(await loadHandler());
} catch (error) {
  // Either the handler did not load, or the Runtime API is gone and nobody listens.
  await call('POST', '/init/error', errorBody(error)).catch(() => {});
  process.exit(1);
}
