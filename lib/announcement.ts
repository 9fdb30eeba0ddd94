import { datasetIdProblem } from './dataset-id.ts';
import { DatasetError } from './errors.ts';
import { FieldReader, hex128Pattern } from './field-reader.ts';
import { limits } from './limits.ts';
import type { Announcement, DatasetId } from './ports.ts';

/** What an EventBridge rule matches on. */
export const announcementSource = 'serverless-hollow';
export const announcementDetailType = 'Dataset Version Committed';

const hex128OrEmptyPattern = /^(?:[0-9a-f]{32})?$/;

/** A hint as it came from outside (the `detail` of an event, a file): `corrupt` if it is not an {@link Announcement}. */
export function parseAnnouncement(value: unknown): Announcement {
  const fields = new FieldReader(value, 'announcement');
  return {
    id: parseDatasetId(fields.object('id')),
    era: fields.integer('era', 1),
    epoch: fields.integer('epoch', 0),
    version: fields.integer('version', 1),
    cid: fields.string('cid', hex128Pattern),
    mapGeneration: fields.integer('mapGeneration', 0),
    previousCid: fields.string('previousCid', hex128OrEmptyPattern),
    hash: fields.string('hash', hex128Pattern),
    size: fields.integer('size', 0),
    snapshotVersion: fields.integer('snapshotVersion', 1),
    committedAtMs: fields.integer('committedAtMs', 0),
    correlationIds: fields.strings('correlationIds').slice(0, limits.correlationIdsMax),
  };
}

function parseDatasetId(fields: FieldReader): DatasetId {
  const tenant = fields.optionalString('tenant');
  const rest = { dataset: fields.string('dataset'), partition: fields.integer('partition', 0) };
  const id = tenant === undefined ? rest : { tenant, ...rest };
  const problem = datasetIdProblem(id);
  if (problem !== null) throw new DatasetError('corrupt', `announcement.id: ${problem}`);
  return id;
}
