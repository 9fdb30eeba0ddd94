/** An HTTP service on loopback that answers as a test says: for what no emulator does by itself. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { AwsClientOptions } from '../../lib/aws/clients.ts';
import { localClientOptions } from './emulators.ts';

export interface ScriptedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface ScriptedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Breaks the connection after this many bytes of the body. */
  readonly cutAfter?: number;
}

/** `silence`: never answers. `cut`: breaks the connection without an answer. */
export type Script = (request: ScriptedRequest, index: number) => ScriptedAnswer | 'silence' | 'cut';

export interface ScriptedServer {
  readonly requests: readonly ScriptedRequest[];
  /** For a client of it; it waits half a second at most. */
  readonly clientOptions: AwsClientOptions;
}

/** Ends with the test. */
export async function startScriptedServer(script: Script): Promise<ScriptedServer> {
  const requests: ScriptedRequest[] = [];
  const answerTo = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { method = '', url = '', headers } = incoming;
    const request = { method, url, headers, body: Buffer.concat(chunks).toString() };
    const answer = script(request, requests.push(request) - 1);
    if (answer === 'silence') return;
    if (answer === 'cut') {
      incoming.socket.destroy();
      return;
    }
    const body = Buffer.from(answer.body ?? '');
    response.writeHead(answer.status, { 'content-length': String(body.length), ...answer.headers });
    if (answer.cutAfter === undefined) response.end(body);
    else response.write(body.subarray(0, answer.cutAfter), () => incoming.socket.destroy());
  };
  const server = createServer((incoming, response) => {
    // A client that has given up breaks its request off.
    answerTo(incoming, response).catch(() => incoming.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { requests, clientOptions: { ...localClientOptions(`http://127.0.0.1:${port}`), timeoutMs: 500 } };
}

/** An error as DynamoDB, SQS and EventBridge send it. */
export function jsonError(code: string, status = 400, more: object = {}): ScriptedAnswer {
  return {
    status,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: JSON.stringify({ __type: `com.amazonaws#${code}`, message: `scripted ${code}`, ...more }),
  };
}

export function json(value: object): ScriptedAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: JSON.stringify(value),
  };
}

/** An error as S3 sends it. */
export function xmlError(code: string, status: number): ScriptedAnswer {
  return {
    status,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>scripted</Message></Error>`,
  };
}
