import { join } from 'node:path';
import type { Command } from 'commander';
import { DatasetError } from '../errors.ts';
import { LocalAnnouncements } from '../local/announcements.ts';
import { LocalBlobStore } from '../local/blob-store.ts';
import { LocalFloorRecord } from '../local/floor-record.ts';
import { LocalHeadStore } from '../local/head-store.ts';
import { systemClock } from '../local/system-clock.ts';
import type {
  Announcer,
  BlobShelf,
  BlobStore,
  Clock,
  DatasetId,
  FloorRecord,
  HeadStore,
  Telemetry,
} from '../ports.ts';
import type { Terminal } from './terminal.ts';

/** Where a dataset is: a directory of the local adapters, or a table and a bucket. */
export interface PlaceOptions {
  readonly local?: string;
  readonly table?: string;
  readonly bucket?: string;
  readonly bus?: string;
  readonly tenant?: string;
  readonly partition: string;
}

/** What the commands of housekeeping work on. */
export interface Place {
  readonly id: DatasetId;
  readonly heads: HeadStore;
  readonly blobs: BlobStore & BlobShelf;
  /** On AWS: deltas that were committed as items of the table. */
  readonly inline?: BlobStore & BlobShelf;
  readonly floors: FloorRecord;
  readonly announcer: Announcer;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  close(): void;
}

export function addPlaceOptions(command: Command): Command {
  return command
    .option('--local <directory>', 'the dataset is in this directory: heads.sqlite, floors.sqlite, blobs')
    .option('--table <name>', 'the dataset is on AWS: DynamoDB table of the heads')
    .option('--bucket <name>', 'and S3 bucket of the blobs')
    .option('--bus <name>', 'EventBridge bus to announce on; without it consumers find out by their poll')
    .option('--tenant <name>', 'tenant of the dataset')
    .option('--partition <number>', 'partition of the dataset', '0');
}

/** @throws DatasetError `invalid`: neither a directory nor a table and a bucket, or both */
export async function openPlace(dataset: string, options: PlaceOptions, terminal: Terminal): Promise<Place> {
  const { local, table, bucket, tenant } = options;
  const partition = Number(options.partition);
  const id: DatasetId = { ...(tenant === undefined ? {} : { tenant }), dataset, partition };
  const common = { id, clock: systemClock, telemetry: warningsTo(terminal) };
  if (local !== undefined && table === undefined && bucket === undefined) {
    return { ...common, ...openDirectory(local, common) };
  }
  if (local !== undefined || table === undefined || bucket === undefined) {
    throw new DatasetError('invalid', 'say where the dataset is: --local, or --table and --bucket');
  }
  return { ...common, ...(await openAws(table, bucket, options.bus)) };
}

type Stores = Pick<Place, 'heads' | 'blobs' | 'inline' | 'floors' | 'announcer' | 'close'>;

function openDirectory(directory: string, { clock, telemetry }: Pick<Place, 'clock' | 'telemetry'>): Stores {
  const heads = new LocalHeadStore(join(directory, 'heads.sqlite'));
  const floors = new LocalFloorRecord(join(directory, 'floors.sqlite'));
  return {
    heads,
    floors,
    blobs: new LocalBlobStore(join(directory, 'blobs')),
    announcer: new LocalAnnouncements({ directory: join(directory, 'announcements'), clock, telemetry }),
    close() {
      heads.close();
      floors.close();
    },
  };
}

/** Loaded here, so that the other commands need no SDK. */
async function openAws(table: string, bucket: string, bus: string | undefined): Promise<Stores> {
  const [clients, announcers, blobStores, inlineBlobs, floorRecords, headStores] = await Promise.all([
    import('../aws/clients.ts'),
    import('../aws/announcer.ts'),
    import('../aws/blob-store.ts'),
    import('../aws/inline-blobs.ts'),
    import('../aws/floor-record.ts'),
    import('../aws/head-store.ts'),
  ]);
  const client = clients.s3Client();
  const database = clients.dynamoDbClient();
  return {
    heads: new headStores.AwsHeadStore({ client: database, table }),
    inline: new inlineBlobs.AwsInlineBlobs({ client: database, table }),
    blobs: new blobStores.AwsBlobStore({ client, bucket }),
    floors: new floorRecords.AwsFloorRecord({ client, bucket }),
    announcer:
      bus === undefined
        ? { announce: () => Promise.resolve() }
        : new announcers.AwsAnnouncer({ client: clients.eventBridgeClient(), bus }),
    close() {
      client.destroy();
      database.destroy();
    },
  };
}

function warningsTo(terminal: Terminal): Telemetry {
  return {
    log(level, message) {
      if (level === 'error') terminal.error.write(`hollow: ${message}\n`);
    },
    record() {},
  };
}
