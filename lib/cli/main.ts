/** The long-lived consumer as a process: settings from the environment, ports on AWS, a clean end on SIGTERM. */
import { AwsAnnouncementWatcher } from '../aws/announcement-watcher.ts';
import { AwsBlobStore } from '../aws/blob-store.ts';
import { dynamoDbClient, s3Client, sqsClient } from '../aws/clients.ts';
import { AwsHeadStore } from '../aws/head-store.ts';
import { AwsInlineBlobs } from '../aws/inline-blobs.ts';
import { Consumer } from '../consumer/consumer.ts';
import { systemClock as clock } from '../local/system-clock.ts';
import { systemRandom as random } from '../local/system-random.ts';
import { parseServiceSettings } from '../settings.ts';
import { startConsumerService } from './consumer-service.ts';
import { LineTelemetry } from './line-telemetry.ts';

const settings = parseServiceSettings(process.env);
const { dataset, id, table, bucket, announcementQueueUrl, pollMsMax, host, port } = settings;
const telemetry = new LineTelemetry({
  service: settings.service,
  dataset,
  clock,
  write: (line) => process.stdout.write(line),
});
const database = dynamoDbClient();
const consumer = new Consumer({
  id,
  heads: new AwsHeadStore({ client: database, table }),
  inline: new AwsInlineBlobs({ client: database, table }),
  blobs: new AwsBlobStore({ client: s3Client(), bucket }),
  clock,
  random,
  telemetry,
});
const watcher = new AwsAnnouncementWatcher({
  client: sqsClient(),
  queueUrl: announcementQueueUrl,
  telemetry,
});
const watchers = [watcher];
const service = await startConsumerService({ consumer, watchers, pollMsMax, telemetry, clock, host, port });

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    telemetry.log('info', 'stopping', { signal });
    service.stop().catch((error: unknown) => {
      telemetry.log('error', 'the service did not stop cleanly', { error });
      process.exitCode = 1;
    });
  });
}
