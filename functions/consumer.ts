import * as z from 'zod';
import { announcementDetailType, parseAnnouncement } from '../lib/announcement.ts';
import { compareVersions } from '../lib/consumer/update-plan.ts';
import { printDatasetId } from '../lib/dataset-id.ts';
import { DatasetError } from '../lib/errors.ts';
import { validateKey } from '../lib/schema/record.ts';
import { keyOfPaths } from '../lib/schema/record-key.ts';
import { type PlainRecord, recordJson } from '../lib/state/plain-record.ts';
import { composeConsumer, lambdaHandler } from './runtime.ts';

const { consumer, telemetry, clock } = composeConsumer();

const eventSchema = z.object({ 'detail-type': z.literal(announcementDetailType), detail: z.unknown() });
const lookupSchema = z.strictObject({ type: z.string(), key: z.record(z.string(), z.unknown()) });

interface Answer {
  /** Of the dataset that is held now; null: none has been committed. */
  readonly version: number | null;
  readonly record?: PlainRecord | null; // of a lookup
  /** Of a lookup: how long ago this version was known to be the newest. */
  readonly headAgeMs?: number | null;
}

/** An announcement warms this sandbox. A lookup, `{ type, key }`, first sees whether there is a newer version. */
export const handler = lambdaHandler<unknown, Answer>(telemetry, async (event) => {
  const announced = eventSchema.safeParse(event);
  return announced.success ? hear(announced.data.detail) : lookUp(event);
});

async function hear(detail: unknown): Promise<Answer> {
  const announcement = parseAnnouncement(detail);
  telemetry.logger.appendKeys({ correlationIds: announcement.correlationIds }); // on every line to come
  const isKnown = consumer.version !== null && compareVersions(consumer.version, announcement) >= 0;
  if (!isKnown && printDatasetId(announcement.id) === printDatasetId(consumer.id)) {
    await consumer.refresh();
    telemetry.record('PropagationLagMs', Math.max(0, clock.nowMs() - announcement.committedAtMs));
  }
  return { version: consumer.version?.version ?? null };
}

async function lookUp(event: unknown): Promise<Answer> {
  const lookup = lookupSchema.safeParse(event);
  if (!lookup.success) throw new DatasetError('invalid', `neither an announcement nor { type, key }`);
  const { type, key } = lookup.data;
  await consumer.refresh().catch((error: unknown) => {
    // It is logged. Whatever fails outside, what is loaded goes on being served; headAgeMs tells how old it is.
    if (consumer.loaded === null) throw error;
  });
  const { loaded, health } = consumer;
  telemetry.record('Lookups', 1);
  if (loaded === null) return { version: null, record: null, headAgeMs: health.headAgeMs };
  const { state, indexes, ref } = loaded;
  const problem = validateKey(state.schema, type, key, 'key');
  if (problem !== null) throw new DatasetError('invalid', `${problem.field}: ${problem.reason}`);
  const index = indexes.get(type);
  if (index === undefined) throw new DatasetError('invalid', `type '${type}' has no primary key`);
  const ordinal = index.findByKey(keyOfPaths(state.schema, type, key).parts);
  const record = ordinal < 0 ? null : recordJson(state, type, ordinal);
  return { version: ref.version, record, headAgeMs: health.headAgeMs };
}
