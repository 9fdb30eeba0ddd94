import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { Consumer } from '../consumer/consumer.ts';
import type { LoadedVersion } from '../consumer/loaded-version.ts';
import { DatasetError, isDatasetError } from '../errors.ts';
import { healthBounds, judgeHealth } from '../health-rules.ts';
import type { AnnouncementWatcher, Clock, Telemetry } from '../ports.ts';
import { recordJson } from '../state/plain-record.ts';
import { toHex } from '../state/state-hash.ts';
import { parseKeySegment } from './key-segment.ts';
import { memoryUse } from './memory-use.ts';

export interface ConsumerServiceOptions {
  readonly consumer: Consumer;
  readonly watchers: readonly AnnouncementWatcher[];
  /** Of the consumer's poll: `Consumer.start`. */
  readonly pollMsMax?: number;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  /** Address to listen on. The service knows no users: open it to a network only behind something that does. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

export interface RunningService {
  /** `http://host:port` */
  readonly url: string;
  /** Answers what it has begun to answer, then stops listening and refreshing. */
  stop(): Promise<void>;
}

/** Longer keys are no keys: SQS itself takes no message above 1 MiB. */
const segmentSizeMax = 4_096;

/**
 * A consumer as a process of its own: keeps itself fresh and answers lookups over HTTP as JSON.
 *
 *     GET /health                         how it is, with reasons; 503 when it does not do its work (lib/health-rules.ts)
 *     GET /ready                          200 while it serves, whatever fails outside; 503 before and while it stops
 *     GET /datasets/:dataset              the version that is served, and its types
 *     GET /datasets/:dataset/:type/:key   a record; the parts of a compound key are separated by commas
 *
 * Every answer about data names its version in the header `dataset-version`, as `era.version`.
 */
export async function startConsumerService(options: ConsumerServiceOptions): Promise<RunningService> {
  const { consumer, watchers, pollMsMax, telemetry, clock, host, port } = options;
  const server = Fastify({
    routerOptions: { maxParamLength: segmentSizeMax },
    forceCloseConnections: 'idle',
  });
  const stopping = new AbortController();
  addErrorHandlers(server, telemetry);
  addHealthRoutes(server, consumer, () => !stopping.signal.aborted);
  addDataRoutes(server, consumer);
  consumer.start(watchers, pollMsMax);
  try {
    const url = await server.listen({ host, port });
    const beating = keepBeating(consumer, telemetry, clock, stopping.signal);
    telemetry.log('info', 'listening', { url });
    return {
      url,
      stop: async () => {
        stopping.abort();
        await server.close();
        await consumer.stop();
        await beating;
        telemetry.log('info', 'stopped');
      },
    };
  } catch (error) {
    await consumer.stop();
    throw error;
  }
}

function addHealthRoutes(server: FastifyInstance, consumer: Consumer, isServing: () => boolean): void {
  server.get('/health', async (_, reply) => {
    const { isReady, headAgeMs, errorRate, ...details } = consumer.health;
    const memory = memoryUse();
    const { status, reasons } = judgeHealth({
      idleMs: isReady ? headAgeMs : null,
      idleMsMax: healthBounds.consumerIdleMsMax,
      errorRate,
      memoryShare: memory.share,
    });
    reply.code(status === 'unhealthy' ? 503 : 200);
    return { status, reasons, isReady, headAgeMs, errorRate, ...details, memory };
  });
  // For a load balancer: data stays readable when something fails elsewhere, and must not be taken away then.
  server.get('/ready', async (_, reply) => {
    const isReady = consumer.health.isReady && isServing();
    reply.code(isReady ? 200 : 503);
    return { isReady };
  });
}

/** Tells at regular times that the process lives, and how: alarms hear when it falls silent. */
async function keepBeating(
  consumer: Consumer,
  telemetry: Telemetry,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const { headAgeMs } = consumer.health;
    if (headAgeMs !== null) telemetry.record('HeadAgeMs', headAgeMs);
    telemetry.record('MemoryUsedPercent', memoryUse().share * 100);
    await clock.sleep(healthBounds.heartbeatMs, signal);
  }
}

function addDataRoutes(server: FastifyInstance, consumer: Consumer): void {
  server.get<{ Params: { dataset: string } }>('/datasets/:dataset', async (request, reply) => {
    const loaded = loadedOf(consumer, request.params.dataset, reply);
    if (loaded === null) return notFound(reply, 'no such dataset');
    const { ref, schemaId, state, hashes, indexes } = loaded;
    return {
      ...consumer.id,
      ...ref,
      schemaId,
      hash: toHex(hashes.data),
      types: state.typeNames.map((name) => ({
        name,
        count: state.type(name).count,
        isIndexed: indexes.has(name),
      })),
    };
  });
  server.get<{ Params: { dataset: string; type: string } }>(
    '/datasets/:dataset/:type/:key',
    async (request, reply) => {
      const { dataset, type } = request.params;
      const loaded = loadedOf(consumer, dataset, reply);
      const index = loaded?.indexes.get(type);
      if (loaded === null || index === undefined) return notFound(reply, 'no such dataset or keyed type');
      // From the raw path: once decoded, a comma within a part is one between parts.
      const [path = ''] = request.raw.url?.split('?') ?? [];
      const key = parseKeySegment(loaded.state.schema, type, path.slice(path.lastIndexOf('/') + 1));
      const ordinal = index.findByKey(key);
      return ordinal === -1 ? notFound(reply, 'no such record') : recordJson(loaded.state, type, ordinal);
    },
  );
}

/** Null: another dataset. */
function loadedOf(consumer: Consumer, dataset: string, reply: FastifyReply): LoadedVersion | null {
  if (dataset !== consumer.id.dataset) return null;
  const { loaded } = consumer;
  if (loaded === null) throw new DatasetError('unavailable', 'no version is loaded yet');
  reply.header('dataset-version', `${loaded.ref.era}.${loaded.ref.version}`);
  return loaded;
}

function notFound(reply: FastifyReply, error: string): { error: string } {
  reply.code(404);
  return { error };
}

function addErrorHandlers(server: FastifyInstance, telemetry: Telemetry): void {
  server.setNotFoundHandler(async (_, reply) => notFound(reply, 'no such path'));
  server.setErrorHandler(async (error, request, reply) => {
    if (isDatasetError(error, 'invalid')) return reply.code(400).send({ error: error.message });
    if (isDatasetError(error, 'unavailable')) return reply.code(503).send({ error: error.message });
    const status = error instanceof Error && 'statusCode' in error ? error.statusCode : 500;
    if (typeof status === 'number' && status < 500) return reply.code(status).send({ error: 'bad request' });
    telemetry.log('error', 'a request failed', { error, route: request.routeOptions.url });
    return reply.code(500).send({ error: 'internal error' });
  });
}
