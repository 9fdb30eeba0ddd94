import { expect, test } from 'vitest';
import { shiftSteps } from '../../../lib/local-cloud/code-deploy/traffic-shift.ts';

test('canary: one part for a while', () => {
  expect(shiftSteps('CodeDeployDefault.LambdaCanary10Percent5Minutes')).toEqual([
    { weight: 0.1, minutes: 5 },
  ]);
});

test('linear: a part more each time, short of all', () => {
  const steps = shiftSteps('CodeDeployDefault.LambdaLinear10PercentEvery1Minute');
  expect(steps.map(({ weight }) => weight)).toEqual([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
  expect(new Set(steps.map(({ minutes }) => minutes))).toEqual(new Set([1]));
});

test('all at once: no step before the last', () => {
  expect(shiftSteps('CodeDeployDefault.LambdaAllAtOnce')).toEqual([]);
});

/** CodeDeploy user guide, "Predefined deployment configurations for an AWS Lambda compute platform". */
test.each([
  ...[5, 10, 15, 30].map((minutes) => [`LambdaCanary10Percent${minutes}Minutes`, minutes] as const),
  ['LambdaLinear10PercentEvery1Minute', 1] as const,
  ...[2, 3, 10].map((minutes) => [`LambdaLinear10PercentEvery${minutes}Minutes`, minutes] as const),
])('reads %s', (name, minutes) => {
  const [first] = shiftSteps(`CodeDeployDefault.${name}`);
  expect(first).toEqual({ weight: 0.1, minutes });
});

test.each(['Mine', 'CodeDeployDefault.LambdaLinear0PercentEvery1Minute'])('refuses %s', (name) => {
  expect(() => shiftSteps(name)).toThrow('unknown deployment configuration');
});
