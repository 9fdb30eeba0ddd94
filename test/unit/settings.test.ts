import { describe, expect, it } from 'vitest';
import { isDatasetError } from '../../lib/errors.ts';
import {
  checkEnvironment,
  parseCleanerSettings,
  parseConsumerSettings,
  parseOutboxSettings,
  parseProducerSettings,
  parseServiceSettings,
  parseSnapshotterSettings,
} from '../../lib/settings.ts';

const reader = { HOLLOW_DATASET: 'cities', HOLLOW_TABLE: 'heads', HOLLOW_BUCKET: 'blobs' };
const producer = {
  ...reader,
  HOLLOW_SCHEMA: 'City { int cityId; }',
  HOLLOW_BUS: 'bus',
  HOLLOW_QUARANTINE_QUEUE_URL: 'http://localhost/quarantine',
};

const messageOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (isDatasetError(error, 'invalid')) return error.message;
    throw error;
  }
  return 'accepted';
};

describe('settings', () => {
  it('gives plain frozen data with defaults filled in', () => {
    const settings = parseProducerSettings(producer);
    expect(settings).toEqual({
      dataset: 'cities',
      id: { dataset: 'cities', partition: 0 },
      partitions: '1',
      table: 'heads',
      bucket: 'blobs',
      schema: 'City { int cityId; }',
      bus: 'bus',
      quarantineQueueUrl: 'http://localhost/quarantine',
      lateQueueUrl: null,
      purgeHorizonMs: 28 * 86_400_000,
      inlineDeltas: false,
      advanceSchemaFrom: null,
      validators: {},
      validationOverride: null,
      runtimeSettings: null,
    });
    expect(Object.isFrozen(settings)).toBe(true);
  });

  it('reads numbers', () => {
    const service = { ...reader, HOLLOW_PARTITION: '12', HOLLOW_ANNOUNCEMENT_QUEUE_URL: 'q', PORT: '3000' };
    expect(parseServiceSettings(service)).toMatchObject({ id: { partition: 12 }, port: 3000 });
  });

  it('of housekeeping have defaults that a person can change', () => {
    expect(parseSnapshotterSettings(reader).coldLoadsPerHour).toBe(60);
    expect(parseCleanerSettings(reader).retention).toEqual({ versionsMin: 64, ageMsMin: 3_600_000 });
    const changed = { ...reader, HOLLOW_RETENTION_VERSIONS: '8', HOLLOW_RETENTION_HOURS: '48' };
    expect(parseCleanerSettings(changed).retention).toEqual({ versionsMin: 8, ageMsMin: 172_800_000 });
    expect(messageOf(() => parseCleanerSettings({ ...reader, HOLLOW_RETENTION_HOURS: '-1' }))).toMatch(
      /HOURS/,
    );
    expect(parseCleanerSettings({ ...reader, HOLLOW_INLINE_DELTAS: 'on' }).inlineDeltas).toBe(true);
    expect(messageOf(() => parseCleanerSettings({ ...reader, HOLLOW_INLINE_DELTAS: 'yes' }))).toMatch(
      /INLINE/,
    );
    expect(messageOf(() => parseOutboxSettings(reader))).toMatch(/HOLLOW_BUS: is not set/);
  });

  it('ignores what other programs and the platform set', () => {
    expect(parseConsumerSettings({ ...producer, AWS_REGION: 'eu-west-1' })).toEqual({
      dataset: 'cities',
      id: { dataset: 'cities', partition: 0 },
      table: 'heads',
      bucket: 'blobs',
    });
  });

  it('name a tenant before its dataset', () => {
    const settings = parseConsumerSettings({ ...reader, HOLLOW_DATASET: 'acme/cities' });
    expect(settings).toMatchObject({
      dataset: 'acme/cities',
      id: { tenant: 'acme', dataset: 'cities', partition: 0 },
    });
  });

  it.each([
    [{ ...producer, HOLLOW_DATASET: 'Acme/cities' }, 'HOLLOW_DATASET: tenant must match'],
    [{ ...producer, HOLLOW_DATASET: 'acme/eu/cities' }, 'HOLLOW_DATASET: dataset must match'],
    [{ ...producer, HOLLOW_DATASET: '/cities' }, 'HOLLOW_DATASET: tenant must match'],
    [{ ...producer, HOLLOW_TABEL: 'x' }, 'HOLLOW_TABEL: no such setting'],
    [{ ...producer, HOLLOW_TABLE: undefined }, 'HOLLOW_TABLE: is not set'],
    [{ ...producer, HOLLOW_TABLE: '' }, 'HOLLOW_TABLE: must not be empty'],
    [{ ...producer, HOLLOW_DATASET: 'Cities' }, 'HOLLOW_DATASET: dataset must match'],
    [{ ...producer, HOLLOW_PARTITION: '-1' }, 'HOLLOW_PARTITION: must be a number'],
    [{ ...producer, HOLLOW_PARTITION: '100000' }, 'HOLLOW_PARTITION: partition must be'],
    [{ ...producer, HOLLOW_SCHEMA: undefined }, 'HOLLOW_SCHEMA: is not set'],
    [{ ...producer, HOLLOW_VALIDATORS: '{' }, 'HOLLOW_VALIDATORS: must be JSON'],
    [{ ...producer, HOLLOW_VALIDATORS: '{"City":{"min":1}}' }, 'HOLLOW_VALIDATORS'],
    [{ ...producer, HOLLOW_VALIDATION_OVERRIDE: '7' }, 'HOLLOW_VALIDATION_OVERRIDE: must be <version>@'],
    [{ ...producer, HOLLOW_PURGE_HORIZON_DAYS: '27' }, 'HOLLOW_PURGE_HORIZON_DAYS: must be at least 28'],
  ])('names the variable that is wrong: %#', (environment, expected) => {
    expect(messageOf(() => parseProducerSettings(environment))).toContain(expected);
  });

  it('names every wrong variable at once', () => {
    const message = messageOf(() => parseProducerSettings({ HOLLOW_EXTRA: '1' }));
    for (const name of ['HOLLOW_EXTRA', 'HOLLOW_DATASET', 'HOLLOW_TABLE', 'HOLLOW_BUS'])
      expect(message).toContain(name);
  });

  it('refuses a port that cannot be', () => {
    const service = { ...reader, HOLLOW_ANNOUNCEMENT_QUEUE_URL: 'q', PORT: '70000' };
    expect(messageOf(() => parseServiceSettings(service))).toContain('PORT: must be at most 65535');
  });

  it.each(['0', '21', '1.5', 'x'])('refuses to look at the head every %s s', (seconds) => {
    const service = {
      ...reader,
      HOLLOW_ANNOUNCEMENT_QUEUE_URL: 'q',
      HOLLOW_POLL_SECONDS_MAX: seconds,
    };
    expect(messageOf(() => parseServiceSettings(service))).toContain('HOLLOW_POLL_SECONDS_MAX: must be');
    expect(parseServiceSettings({ ...service, HOLLOW_POLL_SECONDS_MAX: '2' })).toMatchObject({
      pollMsMax: 2_000,
      service: 'consumer-service',
    });
  });

  it('checks what will be deployed by the same rules', () => {
    expect(checkEnvironment('producer', producer)).toEqual(producer);
    expect(messageOf(() => checkEnvironment('consumer', { ...reader, HOLLOW_DATASET: 'No' }))).toContain(
      'HOLLOW_DATASET',
    );
  });
});
