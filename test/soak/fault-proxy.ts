/** An HTTP proxy that stands between the SDK's clients and one emulated service, and makes a part of the requests fail. */
import {
  Agent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Counts, type Listener, listen, readBody } from '../../lib/local-cloud/http.ts';
import type { SeededRandom } from '../../lib/memory/random.ts';
import { type FaultKind, type FaultMix, type FaultyService, noFaults } from './faults.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export class FaultProxy {
  mix: FaultMix = noFaults;
  readonly #service: FaultyService;
  readonly #upstream: URL;
  readonly #random: SeededRandom;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #counts = new Counts();
  #listener: Listener | null = null;

  constructor(service: FaultyService, upstream: string, random: SeededRandom) {
    this.#service = service;
    this.#upstream = new URL(upstream);
    this.#random = random;
  }

  /** Where it listens from now on. */
  async start(): Promise<string> {
    this.#listener = await listen((incoming, response) => {
      // A client that has given up leaves half a request, or closes before the answer.
      this.#serve(incoming, response).catch(() => response.destroy());
    });
    return this.#listener.endpoint;
  }

  /** Faults so far by kind. */
  faults(): ReadonlyMap<string, number> {
    return this.#counts.all();
  }

  async stop(): Promise<void> {
    await this.#listener?.close();
    this.#agent.destroy();
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = incoming;
    const fault = this.#draw();
    if (headers.expect === undefined)
      return this.#answer(fault, { method, path: url, headers, body: await readBody(incoming) }, response);
    const { expect: _, ...others } = headers;
    return this.#answer(
      fault,
      { method, path: url, headers: others, body: await readBody(incoming) },
      response,
    );
  }

  #draw(): FaultKind | null {
    const { share, kinds } = this.mix;
    if (this.#random.uniform() >= share) return null;
    const kind = kinds[Math.floor(this.#random.uniform() * kinds.length)] ?? null;
    if (kind !== null) this.#counts.add(kind);
    return kind;
  }

  async #answer(fault: FaultKind | null, call: Call, response: ServerResponse): Promise<void> {
    const delayMs = this.#random.uniform() * this.mix.delayMsMax;
    switch (fault) {
      case null:
        return send(response, await this.#forward(call));
      case 'reset':
        return void response.destroy();
      case 'blackHole':
        return; // the client gives up
      case 'slowDown':
        return send(response, refusal(this.#service, 503, 'SlowDown', 'ThrottlingException'));
      case 'denied':
        return send(response, refusal(this.#service, 403, 'AccessDenied', 'AccessDeniedException'));
      case 'delay':
        await sleep(delayMs);
        return send(response, await this.#forward(call));
      case 'delayAfter': {
        const answer = await this.#forward(call);
        await sleep(delayMs);
        return send(response, answer);
      }
      case 'cutAfter':
        await this.#forward(call);
        return void response.destroy();
      case 'errorAfter':
        await this.#forward(call);
        return send(response, refusal(this.#service, 500, 'InternalError', 'InternalServerError'));
      case 'halfBody':
        return sendHalf(response, await this.#forward(call));
    }
  }

  #forward({ method, path, headers, body }: Call): Promise<Answer> {
    const { hostname, port } = this.#upstream;
    return new Promise((resolve, reject) => {
      const outgoing = request({ agent: this.#agent, hostname, port, method, path, headers }, (answer) => {
        readBody(answer).then(
          (content) => resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: content }),
          reject,
        );
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, headers);
  response.end(body);
}

function sendHalf(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': String(Math.max(2, body.length)) });
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy());
}

/** As each service says it. */
function refusal(service: FaultyService, status: number, s3Code: string, jsonCode: string): Answer {
  if (service === 's3') {
    const body = Buffer.from(
      `<?xml version="1.0"?><Error><Code>${s3Code}</Code><Message>injected</Message></Error>`,
    );
    return {
      status,
      headers: { 'content-type': 'application/xml', 'content-length': String(body.length) },
      body,
    };
  }
  const body = Buffer.from(JSON.stringify({ __type: `com.amazonaws#${jsonCode}`, message: 'injected' }));
  const headers = { 'content-type': 'application/x-amz-json-1.0', 'content-length': String(body.length) };
  return { status: service === 'dynamodb' && status === 403 ? 400 : status, headers, body };
}
