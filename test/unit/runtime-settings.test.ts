import { describe, expect, it } from 'vitest';
import { appConfigClient } from '../../lib/aws/function-clients.ts';
import { AwsSettingsSource } from '../../lib/aws/settings-source.ts';
import { DatasetError } from '../../lib/errors.ts';
import { limits } from '../../lib/limits.ts';
import { VirtualClock } from '../../lib/memory/clock.ts';
import { MemoryTelemetry } from '../../lib/memory/telemetry.ts';
import { LiveSettings, parseRuntimeSettings } from '../../lib/runtime-settings.ts';
import { type ScriptedAnswer, startScriptedServer } from '../support/scripted-server.ts';

const builtIn = { isPaused: false, isCleaning: true, messagesPerCommitMax: 10, logLevel: 'info' };

describe('settings', () => {
  it('have a value each when nothing is said', () => {
    expect(parseRuntimeSettings('{}')).toEqual(builtIn);
    expect(parseRuntimeSettings('{"isPaused":true}')).toEqual({ ...builtIn, isPaused: true });
  });

  it.each([
    ['{', 'must be JSON'],
    ['[]', 'all: '],
    ['{"messagesPerCommitMax":0}', 'messagesPerCommitMax: '],
    ['{"messagesPerCommitMax":11}', 'messagesPerCommitMax: '],
    ['{"messagesPerCommitMax":1.5}', 'messagesPerCommitMax: '],
    ['{"isPaused":"yes"}', 'isPaused: '],
    ['{"logLevel":"debug"}', 'logLevel: '],
    ['{"isPausd":true}', 'isPausd'],
  ])('out of bounds are refused with field and reason: %s', (text, reason) => {
    expect(() => parseRuntimeSettings(text)).toThrow(reason);
  });
});

function setUp(answers: readonly (string | Error)[]) {
  const clock = new VirtualClock();
  const telemetry = new MemoryTelemetry();
  let loads = 0;
  const load = async (): Promise<string> => {
    const answer = answers[Math.min(loads++, answers.length - 1)] ?? '';
    if (typeof answer === 'string') return answer;
    throw answer;
  };
  const settings = new LiveSettings({ load, clock, telemetry });
  const next = async () => {
    await clock.advance(limits.settingsAgeMsMax);
    return settings.current();
  };
  return { settings, telemetry, next, loads: () => loads };
}

describe('settings in force', () => {
  it('change without a restart, and are looked for at most every half minute', async () => {
    const { settings, next, loads } = setUp(['{}', '{"isPaused":true}']);
    expect(await settings.current()).toEqual(builtIn);
    for (let i = 0; i < 100; i++) await settings.current();
    expect(loads()).toBe(1);
    expect(await next()).toMatchObject({ isPaused: true });
  });

  it('stay when their source fails, which is not asked again by every batch', async () => {
    const down = new DatasetError('unavailable', 'down');
    const { settings, telemetry, next, loads } = setUp(['{"isPaused":true}', down, down, '{}']);
    await settings.current();
    expect(await next()).toMatchObject({ isPaused: true });
    for (let i = 0; i < 100; i++) await settings.current();
    expect(loads()).toBe(2);
    expect(telemetry.values('SettingsRefused')).toEqual([]);
    expect(await next()).toMatchObject({ isPaused: true });
    expect(await next()).toEqual(builtIn);
  });

  it('are those that are built in where the source has never answered', async () => {
    const { settings } = setUp([new DatasetError('unavailable', 'down')]);
    expect(await settings.current()).toEqual(builtIn);
  });

  it('stay when new ones are refused, which the alarm hears of for as long as they are there', async () => {
    const { settings, telemetry, next } = setUp(['{"logLevel":"warn"}', '{"messagesPerCommitMax":99}']);
    await settings.current();
    expect(await next()).toMatchObject({ logLevel: 'warn', messagesPerCommitMax: 10 });
    expect(await next()).toMatchObject({ logLevel: 'warn', messagesPerCommitMax: 10 });
    expect(telemetry.values('SettingsRefused')).toEqual([1, 1]);
  });
});

/** AppConfig as its API reference has it: a token for each request, a body only when something is new to the session. */
async function startAppConfig() {
  let deployed: string | null = null;
  let sessions = 0;
  let count = 0;
  const open = new Map<string, string | null>();
  const plain = (status: number, body: string, headers = {}): ScriptedAnswer => ({ status, headers, body });
  const faults: ('silence' | ScriptedAnswer)[] = [];
  const server = await startScriptedServer(({ method, url, body }) => {
    const fault = faults.shift();
    if (fault !== undefined) return fault;
    const { pathname, searchParams } = new URL(url, 'http://appconfig');
    const nextToken = (seen: string | null): string => {
      const token = `token-${count++}`;
      open.set(token, seen);
      return token;
    };
    if (method === 'POST' && pathname === '/configurationsessions') {
      sessions += 1;
      const { RequiredMinimumPollIntervalInSeconds: seconds, ...place } = JSON.parse(body);
      if (!(seconds >= 15 && seconds <= limits.settingsAgeMsMax / 1000)) return plain(400, '{}');
      if (JSON.stringify(Object.values(place)) !== '["app","env","profile"]') return plain(404, '{}');
      return plain(201, JSON.stringify({ InitialConfigurationToken: nextToken(null) }));
    }
    const token = searchParams.get('configuration_token') ?? '';
    const seen = open.get(token);
    const isKnown = open.delete(token);
    if (method !== 'GET' || pathname !== '/configuration' || !isKnown) {
      return plain(400, '{"Message":"bad token"}', { 'x-amzn-errortype': 'BadRequestException' });
    }
    if (deployed === null) {
      return plain(404, '{}', { 'x-amzn-errortype': 'ResourceNotFoundException' });
    }
    return plain(200, seen === deployed ? '' : deployed, {
      'next-poll-configuration-token': nextToken(deployed),
      'next-poll-interval-in-seconds': '60',
      'content-type': 'application/json',
    });
  });
  return {
    client: appConfigClient(server.clientOptions),
    deploy: (text: string) => {
      deployed = text;
    },
    fail: (...next: ('silence' | ScriptedAnswer)[]) => faults.push(...next),
    sessions: () => sessions,
  };
}

describe('settings from AppConfig', () => {
  const place = { application: 'app', environment: 'env', profile: 'profile' };

  it('are read in one session, also when nothing is new', async () => {
    const { client, deploy, sessions } = await startAppConfig();
    const source = new AwsSettingsSource(client, place);
    deploy('{"isPaused":true}');
    expect(await source.load()).toBe('{"isPaused":true}');
    expect(await source.load()).toBe('{"isPaused":true}');
    deploy('{}');
    expect(await source.load()).toBe('{}');
    expect(sessions()).toBe(1);
  });

  it('are not there before the first deployment', async () => {
    const { client, deploy } = await startAppConfig();
    const source = new AwsSettingsSource(client, place);
    await expect(source.load()).rejects.toThrow('ResourceNotFoundException');
    deploy('{}');
    expect(await source.load()).toBe('{}');
  });

  it('are read in a new session after an answer got lost with its token', async () => {
    const { client, deploy, fail, sessions } = await startAppConfig();
    const source = new AwsSettingsSource(client, place);
    deploy('{}');
    await source.load();
    fail('silence');
    await expect(source.load()).rejects.toMatchObject({ kind: 'unavailable' });
    fail({ status: 500, body: '{}' });
    await expect(source.load()).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await source.load()).toBe('{}');
    expect(sessions()).toBe(2);
  });

  it('cannot be read without the right', async () => {
    const { client, fail } = await startAppConfig();
    const source = new AwsSettingsSource(client, place);
    fail({ status: 403, headers: { 'x-amzn-errortype': 'AccessDeniedException' }, body: '{}' });
    await expect(source.load()).rejects.toMatchObject({ kind: 'denied' });
  });
});
