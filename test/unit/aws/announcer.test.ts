import { expect, test } from 'vitest';
import { AwsAnnouncer } from '../../../lib/aws/announcer.ts';
import { eventBridgeClient } from '../../../lib/aws/clients.ts';
import type { Announcement } from '../../../lib/ports.ts';
import {
  json,
  jsonError,
  type Script,
  type ScriptedServer,
  startScriptedServer,
} from '../../support/scripted-server.ts';

const announcement: Announcement = {
  id: { dataset: 'cities', partition: 0 },
  era: 1,
  epoch: 0,
  version: 2,
  cid: 'a'.repeat(32),
  mapGeneration: 0,
  previousCid: 'b'.repeat(32),
  hash: 'c'.repeat(32),
  size: 10,
  snapshotVersion: 1,
  committedAtMs: 1_700_000_000_000,
  correlationIds: [],
};

async function announcerOn(script: Script): Promise<{ announcer: AwsAnnouncer; server: ScriptedServer }> {
  const server = await startScriptedServer(script);
  const client = eventBridgeClient(server.clientOptions);
  return { announcer: new AwsAnnouncer({ client, bus: 'datasets' }), server };
}

test('one entry, as rules expect it', async () => {
  const { announcer, server } = await announcerOn(() =>
    json({ FailedEntryCount: 0, Entries: [{ EventId: 'e' }] }),
  );
  await announcer.announce(announcement);
  const { Entries } = JSON.parse(server.requests[0]?.body ?? '');
  expect(Entries).toEqual([
    {
      EventBusName: 'datasets',
      Source: 'serverless-hollow',
      DetailType: 'Dataset Version Committed',
      Detail: JSON.stringify(announcement),
    },
  ]);
});

test.each([
  ['ThrottlingException', 'unavailable'],
  ['InternalFailure', 'unavailable'],
  ['AccessDeniedException', 'denied'],
  ['MalformedDetail', 'invalid'],
  ['SomethingNew', 'unavailable'],
])('an entry that failed with %s is %s although the call succeeded', async (code, kind) => {
  const { announcer } = await announcerOn(() =>
    json({ FailedEntryCount: 1, Entries: [{ ErrorCode: code, ErrorMessage: 'scripted' }] }),
  );
  await expect(announcer.announce(announcement)).rejects.toMatchObject({ name: 'DatasetError', kind });
});

test('an answer without an outcome is unavailable', async () => {
  const { announcer } = await announcerOn(() => json({}));
  await expect(announcer.announce(announcement)).rejects.toMatchObject({ kind: 'unavailable' });
});

test('a failed call has its kind', async () => {
  const { announcer } = await announcerOn(() => jsonError('AccessDeniedException'));
  await expect(announcer.announce(announcement)).rejects.toMatchObject({ kind: 'denied' });
});

test('an entry over the limit is refused by its size before any call', async () => {
  const { announcer, server } = await announcerOn(() => 'cut');
  const tooLarge = { ...announcement, correlationIds: ['x'.repeat(262_144)] };
  await expect(announcer.announce(tooLarge)).rejects.toMatchObject({
    kind: 'invalid',
    message: expect.stringMatching(/26\d{4} of at most 262144 bytes/),
  });
  expect(server.requests).toEqual([]);
});
