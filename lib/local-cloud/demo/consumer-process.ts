/** The long-lived consumer as a process of its own, and its HTTP interface as a client sees it. */
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { DatasetError } from '../../errors.ts';
import { startGuarded } from '../child-guard.ts';
import type { LocalCloud } from '../cloud.ts';
import { freePort } from '../http.ts';
import type { Probe } from './cities.ts';

export interface ConsumerProcess {
  readonly endpoint: string;
  readonly processId: number;
  hasCity(cityId: number): Promise<boolean>;
  /** Whether the consumer serves the record as the probe says. */
  isVisible(probe: Probe): Promise<boolean>;
  /** Null: no version is loaded. */
  served(): Promise<Served | null>;
  stop(): Promise<void>;
}

export interface Served {
  readonly version: number;
  /** Records of type City. */
  readonly count: number;
}

const bundle = join(import.meta.dirname, '..', '..', '..', 'dist', 'consumer-service', 'index.mjs');
const readyMsMax = 30_000;
const recordSchema = z.object({ population: z.number().nullable() });
const datasetSchema = z.object({
  version: z.number(),
  types: z.array(z.object({ name: z.string(), count: z.number() })),
});

export async function startConsumer(
  cloud: LocalCloud,
  dataset: string,
  port: number,
): Promise<ConsumerProcess> {
  const { outputs } = cloud;
  const chosen = port === 0 ? await freePort() : port;
  const program = startGuarded(process.execPath, ['--enable-source-maps', bundle], {
    environment: {
      ...cloud.environment,
      HOLLOW_DATASET: dataset,
      HOLLOW_TABLE: outputs['TableName'] ?? '',
      HOLLOW_BUCKET: outputs['BucketName'] ?? '',
      HOLLOW_ANNOUNCEMENT_QUEUE_URL: outputs['AnnouncementQueueUrl'] ?? '',
      PORT: String(chosen),
    },
    onOutput: (output) => cloud.log.follow('consumer-service', output),
  });
  const endpoint = `http://127.0.0.1:${chosen}`;
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const lookUp = (cityId: number) => request(agent, `${endpoint}/datasets/${dataset}/City/${cityId}`);
  const consumer: ConsumerProcess = {
    endpoint,
    processId: program.process.pid ?? -1,
    hasCity: async (cityId) => (await lookUp(cityId)).status === 200,
    async isVisible({ cityId, population }) {
      const answer = await lookUp(cityId);
      if (answer.status !== 200) return population === null && answer.status === 404;
      const record = recordSchema.safeParse(JSON.parse(answer.body));
      return record.success && record.data.population === population;
    },
    async served() {
      const answer = await request(agent, `${endpoint}/datasets/${dataset}`);
      if (answer.status !== 200) return null;
      const { version, types } = datasetSchema.parse(JSON.parse(answer.body));
      return { version, count: types.find(({ name }) => name === 'City')?.count ?? 0 };
    },
    async stop() {
      agent.destroy();
      await program.stop();
    },
  };
  let exit: number | null | undefined;
  void program.exited.then((code) => {
    exit = code;
  });
  for (const endMs = performance.now() + readyMsMax; performance.now() < endMs && exit === undefined; ) {
    // It answers 503 until there is a version to serve: that is up as well.
    if (await request(agent, `${endpoint}/health`).catch(() => null)) return consumer;
    await sleep(50);
  }
  await consumer.stop();
  throw new DatasetError(
    'unavailable',
    `the consumer does not start: ${program.errors().trim() || `exit ${exit}`}`,
  );
}

function request(agent: Agent, url: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = get(url, { agent, timeout: 5000 }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
      );
    });
    outgoing.on('error', reject);
    outgoing.on('timeout', () => outgoing.destroy(new Error('timeout')));
  });
}
