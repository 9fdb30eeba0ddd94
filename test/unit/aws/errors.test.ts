import { expect, test } from 'vitest';
import { awsError } from '../../../lib/aws/errors.ts';
import { DatasetError } from '../../../lib/errors.ts';

const sdkError = (name: string, httpStatusCode?: number): Error =>
  Object.assign(new Error('said the service'), { name, $metadata: { httpStatusCode } });

test.each([
  ['AccessDenied', 403, 'denied'],
  ['Whatever', 403, 'denied'],
  ['Whatever', 401, 'denied'],
  ['Whatever', 400, 'invalid'],
  ['Whatever', 404, 'invalid'],
  ['Whatever', 409, 'unavailable'],
  ['Whatever', 429, 'unavailable'],
  ['Whatever', 500, 'unavailable'],
  ['RequestLimitExceeded', 400, 'unavailable'],
  ['OverLimit', 403, 'unavailable'],
  ['TimeoutError', undefined, 'unavailable'],
  ['CredentialsProviderError', undefined, 'denied'],
])('%s with status %s is %s', (name, status, kind) => {
  expect(awsError(sdkError(name, status), 'load head')).toMatchObject({
    kind,
    message: `load head: ${name}: said the service`,
    details: { code: name, status: status ?? null },
  });
});

test('what is no SDK error never got an answer', () => {
  expect(awsError(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 'put').kind).toBe(
    'unavailable',
  );
  expect(awsError('thrown text', 'put').kind).toBe('unavailable');
});

test('the cause is kept, and a DatasetError passes unchanged', () => {
  const cause = sdkError('AccessDenied', 403);
  expect(awsError(cause, 'put').cause).toBe(cause);
  const own = new DatasetError('corrupt', 'x');
  expect(awsError(own, 'put')).toBe(own);
});
