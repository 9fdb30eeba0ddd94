/**
 * SQS: fauxqs inside this process, on loopback. Its own start-up listens on every interface, so its parts are put together
 * here instead; persistence (SQLite) and stores are not exported and are therefore loaded by path from the pinned version.
 */
import type { DatabaseSync } from 'node:sqlite';
import { buildApp } from 'fauxqs';
import type { LocalService } from './environment.ts';
import { localAccount, localRegion } from './environment.ts';
import { Counts } from './http.ts';

export interface SqsOptions {
  /** Where queues and messages are kept. Absent: in memory. */
  readonly directory?: string;
  readonly port?: number;
}

export interface LocalSqs extends LocalService {
  queueUrl(name: string): string;
}

type Stores = NonNullable<NonNullable<Parameters<typeof buildApp>[0]>['stores']>;

interface Persistence {
  readonly db: DatabaseSync;
  loadSqsAndSns(sqs: Stores['sqsStore'], sns: Stores['snsStore']): void;
  updateMessageReady(messageId: string): void;
  close(): void;
}

export async function startSqs(options: SqsOptions = {}): Promise<LocalSqs> {
  await acceptAllCharacters();
  const stores = await createStores();
  const persistence =
    options.directory === undefined ? null : await openPersistence(options.directory, stores);
  const counts = new Counts();
  const app = buildApp({ logger: false, defaultRegion: localRegion, stores });
  app.addHook('onRequest', async (request) => {
    counts.add(
      String(request.headers['x-amz-target'] ?? request.url)
        .split('.')
        .at(-1) ?? '',
    );
  });
  app.addHook('preClose', async () => persistence?.close());
  const address = await app.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  const endpoint = address.replace(/\/$/, '');
  return {
    endpoint,
    queueUrl: (name) => `${endpoint}/${localAccount}/${name}`,
    requests: () => counts.all(),
    stop: () => app.close(),
  };
}

/** The parts that the package does not export; the version is pinned and the unit tests fail if they move. */
const internals = (path: string): string => new URL(path, import.meta.resolve('fauxqs')).href;

/** Its pattern of refused characters knows no code points: it would refuse what SQS takes, 🗼 for one. */
async function acceptAllCharacters(): Promise<void> {
  const { INVALID_MESSAGE_BODY_CHAR: pattern }: { INVALID_MESSAGE_BODY_CHAR: RegExp } = await import(
    internals('./sqs/sqsTypes.js')
  );
  const refused = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u; // SQS API reference, SendMessage
  pattern.test = (text) => refused.test(text);
}

async function createStores(): Promise<Stores> {
  const sqs: { SqsStore: new () => Stores['sqsStore'] } = await import(internals('./sqs/sqsStore.js'));
  const sns: { SnsStore: new () => Stores['snsStore'] } = await import(internals('./sns/snsStore.js'));
  const s3: { S3Store: new () => Stores['s3Store'] } = await import(internals('./s3/s3Store.js'));
  const sqsStore = new sqs.SqsStore();
  sqsStore.host = ''; // queue URLs then repeat the address that the client called
  return { sqsStore, snsStore: new sns.SnsStore(), s3Store: new s3.S3Store() };
}

async function openPersistence(directory: string, { sqsStore, snsStore }: Stores): Promise<Persistence> {
  const module: { PersistenceManager: new (directory: string) => Persistence } = await import(
    internals('./persistence.js')
  );
  const persistence = new module.PersistenceManager(directory);
  persistence.db.exec('PRAGMA synchronous = NORMAL'); // survives a killed process; a flush per message would be slow
  // Its own version clears the receive count, which the table forbids: ChangeMessageVisibility to 0 would fail.
  const release = persistence.db.prepare(
    'UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL WHERE message_id = ?',
  );
  persistence.updateMessageReady = (messageId) => void release.run(messageId);
  persistence.loadSqsAndSns(sqsStore, snsStore); // before it is attached, or loading would write everything again
  Object.assign(sqsStore, { persistence });
  for (const queue of sqsStore.allQueues()) Object.assign(queue, { persistence });
  return persistence;
}
