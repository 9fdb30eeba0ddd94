/**
 * A reverse proxy in front of a service that we cannot look into. It counts requests by operation (the part of
 * `x-amz-target` behind the dot) and is the one place where faults can be injected into that service's answers.
 */
import { Agent, request as forward } from 'node:http';
import { Counts, header, type Listener, listen } from './http.ts';

export interface CountingProxy extends Listener {
  requests(): ReadonlyMap<string, number>;
}

export async function startCountingProxy(upstreamPort: number, port = 0): Promise<CountingProxy> {
  const counts = new Counts();
  const agent = new Agent({ keepAlive: true });
  const listener = await listen((request, response) => {
    counts.add(header(request, 'x-amz-target')?.split('.').at(-1) ?? `${request.method} ${request.url}`);
    const { method, url, headers } = request;
    const upstream = forward({ agent, host: '127.0.0.1', port: upstreamPort, method, path: url, headers });
    upstream.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  }, port);
  return {
    ...listener,
    requests: () => counts.all(),
    async close() {
      await listener.close();
      agent.destroy();
    },
  };
}
