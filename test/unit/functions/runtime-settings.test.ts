import { expect, it, vi } from 'vitest';
import { capture, lambdaContext } from '../../support/lambda-events.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';

it('a function obeys what AppConfig says, from its environment to its handler, and touches nothing else', async () => {
  const server = await startScriptedServer(({ method }) =>
    method === 'POST'
      ? { status: 201, body: '{"InitialConfigurationToken":"first"}' }
      : {
          status: 200,
          headers: { 'next-poll-configuration-token': 'second', 'content-type': 'application/json' },
          body: '{"isPaused":true,"logLevel":"warn"}',
        },
  );
  const environment = {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL: server.clientOptions.endpoint,
    HOLLOW_DATASET: 'cities',
    HOLLOW_TABLE: 'heads',
    HOLLOW_BUCKET: 'blobs',
    HOLLOW_RUNTIME_SETTINGS: 'app/env/profile',
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const { handler } = await import('../../../functions/cleaner.ts');
  const { outcome, lines } = await capture(() => handler({}, lambdaContext()));
  expect(outcome).toMatchObject({ status: 'fulfilled', value: { deletedCount: 0, isComplete: false } });
  expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'POST /configurationsessions',
    'GET /configuration?configuration_token=first',
  ]);
  expect(JSON.parse(server.requests[0]?.body ?? '')).toMatchObject({
    ApplicationIdentifier: 'app',
    EnvironmentIdentifier: 'env',
    ConfigurationProfileIdentifier: 'profile',
  });
  expect(lines).toContainEqual(expect.objectContaining({ message: 'settings are in force' }));
  // The next one is not logged: its level is below the one that is asked for now.
  const { lines: later } = await capture(() => handler({}, lambdaContext()));
  expect(later.filter(({ level }) => level === 'INFO')).toEqual([]);
  vi.unstubAllEnvs();
});
