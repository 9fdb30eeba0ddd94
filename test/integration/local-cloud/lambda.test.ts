import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { LocalService } from '../../../lib/local-cloud/environment.ts';
import { FunctionLog } from '../../../lib/local-cloud/lambda/function-log.ts';
import { startInvokeApi } from '../../../lib/local-cloud/lambda/invoke-api.ts';
import type { FunctionConfig, InvocationRecord } from '../../../lib/local-cloud/lambda/lambda-function.ts';
import { LambdaService } from '../../../lib/local-cloud/lambda/lambda-service.ts';
import { SeededRandom } from '../../../lib/memory/random.ts';
import { type ToyFunction, toyFunction } from '../../support/toy-function.ts';

const lines: string[] = [];
const sendToQueue = vi.fn<(arn: string, body: string) => Promise<void>>();
const toys: ToyFunction[] = [];
let log: FunctionLog;
let service: LambdaService;
let api: LocalService;

beforeEach(async () => {
  lines.length = 0;
  sendToQueue.mockReset().mockResolvedValue();
  log = new FunctionLog((source, line) => lines.push(`${source}: ${line}`));
  service = new LambdaService(log, { retryMsBase: 1, throttleMs: 1, sendToQueue });
  api = await startInvokeApi(service);
});
afterEach(async () => {
  await api.stop();
  await service.stop();
  for (const toy of toys.splice(0)) toy.remove();
});

function deploy(name: string, source: string, more: Partial<FunctionConfig> = {}) {
  const toy = toyFunction(name, source, more);
  toys.push(toy);
  return service.putFunction(toy.config);
}

async function invoke(name: string, payload: unknown = {}, headers: Record<string, string> = {}, query = '') {
  const url = `${api.endpoint}/2015-03-31/functions/${encodeURIComponent(name)}/invocations${query}`;
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(payload) });
  const text = await answer.text();
  return {
    status: answer.status,
    error: answer.headers.get('x-amz-function-error') ?? answer.headers.get('x-amzn-errortype'),
    version: answer.headers.get('x-amz-executed-version'),
    body: text === '' ? null : JSON.parse(text),
  };
}

describe('local Lambda', () => {
  test('invokes a handler with event, context and environment, and keeps the process warm', async () => {
    const code = `
      let calls = 0;
      export async function handler(event, context) {
        calls += 1;
        return { event, calls, pid: process.pid, setting: process.env.SETTING, name: process.env.AWS_LAMBDA_FUNCTION_NAME,
          memory: context.memoryLimitInMB, arn: context.invokedFunctionArn, left: context.getRemainingTimeInMillis(),
          id: context.awsRequestId, trace: process.env._X_AMZN_TRACE_ID, heap: process.execArgv };
      }`;
    const deployed = deploy('echo', code, { environment: { SETTING: 'x' } });
    const first = await invoke('echo', { a: 1 });
    expect(first).toMatchObject({ status: 200, error: null, version: '$LATEST' });
    expect(first.body).toMatchObject({
      event: { a: 1 },
      calls: 1,
      setting: 'x',
      name: 'echo',
      memory: '256',
    });
    expect(first.body.left).toBeGreaterThan(3000);
    expect(first.body.left).toBeLessThanOrEqual(5000);
    expect(first.body.trace).toMatch(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24};/);
    expect(first.body.heap).toEqual(['--max-old-space-size=230']);
    const second = await invoke('echo');
    expect(second.body).toMatchObject({ calls: 2, pid: first.body.pid });
    expect(second.body.id).not.toBe(first.body.id);
    expect(deployed.starts).toBe(1);
  });

  test('runs invocations side by side, up to the concurrency, and throttles beyond it', async () => {
    const code =
      'export const handler = () => new Promise((done) => setTimeout(() => done(process.pid), 300));';
    deploy('slow', code, { concurrencyMax: 2 });
    const answers = await Promise.all([invoke('slow'), invoke('slow'), invoke('slow')]);
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([200, 200, 429]);
    expect(new Set(answers.filter((a) => a.status === 200).map((a) => a.body)).size).toBe(2);
    expect(answers.find((answer) => answer.status === 429)?.error).toBe('TooManyRequestsException');
  });

  test('a thrown error is an answer of its own, and the process stays', async () => {
    const code = `export async function handler(event) {
      if (event.fail) throw new TypeError('no such thing');
      return process.pid;
    }`;
    const deployed = deploy('throws', code);
    const good = await invoke('throws');
    const bad = await invoke('throws', { fail: true });
    expect(bad).toMatchObject({ status: 200, error: 'Unhandled' });
    expect(bad.body).toMatchObject({ errorType: 'TypeError', errorMessage: 'no such thing' });
    expect((await invoke('throws')).body).toBe(good.body);
    expect(deployed.starts).toBe(1);
  });

  test('a time-out ends the process; the next invocation gets a new one', async () => {
    const code = `export async function handler(event) {
      if (event.hang) for (;;);
      return process.pid;
    }`;
    const deployed = deploy('hangs', code, { timeoutSeconds: 1 });
    const first = await invoke('hangs');
    const hung = await invoke('hangs', { hang: true });
    expect(hung.error).toBe('Unhandled');
    expect(hung.body.errorType).toBe('Sandbox.Timedout');
    expect(hung.body.errorMessage).toContain('Task timed out after 1.00 seconds');
    expect((await invoke('hangs')).body).not.toBe(first.body);
    expect(deployed.starts).toBe(2);
    await vi.waitFor(() => expect(() => process.kill(first.body, 0)).toThrow('ESRCH'));
  });

  test('a killed process is an error to its caller and is replaced', async () => {
    const code = `export const handler = (event) => new Promise((done) => setTimeout(() => done(1), event.ms));`;
    const deployed = deploy('killed', code);
    await invoke('killed', { ms: 0 });
    const running = invoke('killed', { ms: 3000 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(deployed.kill('SIGKILL')).toBe(1);
    expect((await running).body.errorType).toBe('Runtime.ExitError');
    expect((await invoke('killed', { ms: 0 })).body).toBe(1);
  });

  test('a handler that does not load fails every invocation with the reason', async () => {
    deploy('broken', "throw new RangeError('bad start');");
    expect((await invoke('broken')).body).toMatchObject({
      errorType: 'RangeError',
      errorMessage: 'bad start',
    });
    expect((await invoke('broken')).body).toMatchObject({ errorType: 'RangeError' });
    deploy('missing', 'export const other = 1;');
    expect((await invoke('missing')).body.errorMessage).toContain('handler');
  });

  test('versions are fixed, an alias moves between them, qualifiers choose', async () => {
    const deployed = deploy('versioned', 'export const handler = async () => process.env.COLOUR;', {
      environment: { COLOUR: 'blue' },
    });
    expect(deployed.publishVersion()).toBe('1');
    deployed.putAlias('live', { version: '1' });
    const [toy] = toys;
    if (toy === undefined) throw new Error('no toy');
    service.putFunction({ ...toy.config, environment: { COLOUR: 'green' } });
    expect(await invoke('versioned:live')).toMatchObject({ body: 'blue', version: '1' });
    expect(await invoke('versioned')).toMatchObject({ body: 'green', version: '$LATEST' });
    deployed.putAlias('live', { version: deployed.publishVersion() });
    expect(await invoke(`${deployed.arn}:live`)).toMatchObject({ body: 'green', version: '2' });
    expect(await invoke('versioned', {}, {}, '?Qualifier=1')).toMatchObject({ body: 'blue', version: '1' });
    expect(await invoke('versioned:gone')).toMatchObject({ status: 404, error: 'ResourceNotFoundException' });
    expect((await invoke('nothing')).status).toBe(404);
  });

  test('an alias gives a part of its invocations to another version, drawn from the seed', async () => {
    const seed = 7;
    const invoked: InvocationRecord[] = [];
    const ports = {
      random: new SeededRandom(seed),
      onInvoked: (each: InvocationRecord) => invoked.push(each),
    };
    const policy = { retryMsBase: 1, throttleMs: 1, sendToQueue };
    const seeded = new LambdaService(log, policy, ports);
    const toy = toyFunction(
      'parted',
      "export const handler = async (event) => { if (event.i === 3) throw new Error('x'); };",
    );
    toys.push(toy);
    const parted = seeded.putFunction(toy.config);
    const [version, canary] = [parted.publishVersion(), parted.publishVersion()];
    parted.putAlias('live', { version, canary: { version: canary, weight: 0.3 } });
    const draws = new SeededRandom(seed);
    const expected = Array.from({ length: 20 }, () => (draws.uniform() < 0.3 ? canary : version));
    for (let i = 0; i < 20; i++) {
      const payload = Buffer.from(JSON.stringify({ i }));
      await seeded.invoke({ name: 'parted', qualifier: 'live' }, payload);
    }
    expect(invoked.map(({ executedVersion }) => executedVersion)).toEqual(expected);
    expect(new Set(expected)).toEqual(new Set([version, canary]));
    expect(invoked.map(({ isError }) => isError).indexOf(true)).toBe(3);
    expect(() => parted.putAlias('live', { version: '9' })).toThrow('not found');
    expect(() => parted.deleteVersion(canary)).toThrow('leads to');
    parted.putAlias('live', { version });
    parted.deleteVersion(canary);
    await expect(seeded.invoke({ name: 'parted', qualifier: canary }, Buffer.from('{}'))).rejects.toThrow(
      'not found',
    );
    await seeded.stop();
  });

  test('a sandbox that was busy during an update is not used for the new code', async () => {
    const code =
      'export const handler = (event) => new Promise((done) => setTimeout(done, event.ms, process.env.COLOUR));';
    deploy('busy', code, { environment: { COLOUR: 'blue' } });
    await invoke('busy', { ms: 0 });
    const running = invoke('busy', { ms: 300 });
    await vi.waitFor(() => expect(api.requests().get('Invoke')).toBe(2));
    const [toy] = toys;
    if (toy === undefined) throw new Error('no toy');
    service.putFunction({ ...toy.config, environment: { COLOUR: 'green' } });
    expect((await running).body).toBe('blue');
    expect((await invoke('busy', { ms: 0 })).body).toBe('green');
  });

  test('an asynchronous invocation is accepted at once and repeated twice when it fails', async () => {
    const deployed = deploy(
      'later',
      "export async function handler() { console.log('ran'); throw new Error('x'); }",
    );
    expect(await invoke('later', {}, { 'x-amz-invocation-type': 'Event' })).toMatchObject({
      status: 202,
      body: null,
    });
    await vi.waitFor(() => expect(service.asyncOutcomes().get('failed')).toBe(1), { timeout: 10_000 });
    expect(lines.filter((line) => line === 'later: ran')).toHaveLength(3);
    expect(deployed.starts).toBe(1);
  });

  test('an asynchronous invocation that failed for good is reported to its destination', async () => {
    const deployed = deploy('reported', "export async function handler() { throw new Error('x'); }");
    const onFailureArn = 'arn:aws:sqs:us-east-1:000000000000:failures';
    service.putAsyncConfig(
      { name: 'reported', qualifier: undefined },
      { retriesMax: 1, ageSecondsMax: 60, onFailureArn },
    );
    await invoke('reported', { a: 1 }, { 'x-amz-invocation-type': 'Event' });
    await vi.waitFor(() => expect(service.asyncOutcomes().get('failed')).toBe(1), { timeout: 10_000 });
    expect(sendToQueue.mock.calls[0]?.[0]).toBe(onFailureArn);
    expect(JSON.parse(sendToQueue.mock.calls[0]?.[1] ?? '')).toMatchObject({
      requestContext: {
        functionArn: `${deployed.arn}:$LATEST`,
        condition: 'RetriesExhausted',
        approximateInvokeCount: 2,
      },
      requestPayload: { a: 1 },
      responseContext: { functionError: 'Unhandled', executedVersion: '$LATEST' },
      responsePayload: { errorType: 'Error', errorMessage: 'x' },
    });
  });

  test('a service may invoke only what a permission names', () => {
    deploy('guarded', 'export const handler = async () => 1;');
    const guarded = { name: 'guarded', qualifier: undefined };
    const check = (source: string) => () => service.checkPermission(guarded, 'events.amazonaws.com', source);
    expect(check('arn:rule')).toThrow('may not invoke');
    service.addPermission({ function: guarded, principal: 'events.amazonaws.com', sourceArn: 'arn:rule' });
    expect(check('arn:rule')).not.toThrow();
    expect(check('arn:other')).toThrow('may not invoke');
  });

  test('adds up embedded metrics and passes other lines on', async () => {
    const code = `export async function handler(event) {
      const group = { Namespace: 'N', Dimensions: [], Metrics: [{ Name: 'commits', Unit: 'Count' }] };
      console.log(JSON.stringify({ _aws: { Timestamp: 1, CloudWatchMetrics: [group] }, commits: event.commits }));
      console.log('plain');
      console.error('é'.repeat(3));
    }`;
    deploy('metrics', code);
    await invoke('metrics', { commits: 2 });
    await invoke('metrics', { commits: [3, 4] });
    await vi.waitFor(() => expect(lines).toHaveLength(4), { timeout: 10_000 });
    expect(log.metrics().get('commits')).toEqual({ count: 3, sum: 9, min: 2, max: 4 });
    expect(lines.toSorted().slice(0, 2)).toEqual(['metrics: plain', 'metrics: plain']);
    expect(lines).toContain('metrics: ééé');
  });

  test('refuses what the Invoke API refuses', async () => {
    deploy('strict', 'export const handler = async () => 1;');
    const url = `${api.endpoint}/2015-03-31/functions/strict/invocations`;
    expect((await fetch(url, { method: 'POST', body: '{' })).status).toBe(400);
    expect((await fetch(url, { method: 'POST', body: JSON.stringify('x'.repeat(7_000_000)) })).status).toBe(
      413,
    );
    expect((await fetch(`${api.endpoint}/2015-03-31/functions/`)).status).toBe(501);
  });

  test('an answer of more than 6 MB is an error', async () => {
    deploy('large', "export const handler = async () => 'x'.repeat(7_000_000);");
    expect((await invoke('large')).body.errorType).toBe('Function.ResponseSizeTooLarge');
  });

  test('stopping leaves no process behind', async () => {
    const deployed = deploy('stays', 'export const handler = async () => process.pid;');
    const { body: pid } = await invoke('stays');
    expect(deployed.processIds).toEqual([pid]);
    await service.stop();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});
