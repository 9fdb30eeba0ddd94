/** A second template over the first: what CloudFormation and CodeDeploy do, with toy functions. */
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterEach, describe, expect, test } from 'vitest';
import type { LocalCloud } from '../../../lib/local-cloud/cloud.ts';
import { startLocalCloud } from '../../../lib/local-cloud/cloud.ts';
import { clientConfig } from '../../../lib/local-cloud/environment.ts';
import type { Template } from '../../../lib/local-cloud/template.ts';
import { type ToyFunction, toyFunction } from '../../support/toy-function.ts';

/** Answers with its colour; `red` fails. */
const worker = `export async function handler() {
  if (process.env.COLOUR === 'red') throw new Error('red');
  return process.env.COLOUR;
}`;
/** Says no to black, and nothing about grey. Speaks the protocol itself: it has no SDK. */
const hook = `export async function handler(event) {
  if (process.env.COLOUR === 'grey') return;
  const answer = await fetch(process.env.AWS_ENDPOINT_URL_CODEDEPLOY, {
    method: 'POST',
    headers: { 'x-amz-target': 'CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus' },
    body: JSON.stringify({
      deploymentId: event.DeploymentId,
      lifecycleEventHookExecutionId: event.LifecycleEventHookExecutionId,
      status: process.env.COLOUR === 'black' ? 'Failed' : 'Succeeded',
    }),
  });
  if (answer.status !== 200) throw new Error(await answer.text());
}`;

function template(colour: string, more: Template['Resources'] = {}): Template {
  const toy = (key: string) => ({
    Type: 'AWS::Lambda::Function',
    Properties: {
      Code: { S3Bucket: 'assets', S3Key: key },
      Handler: 'index.handler',
      Runtime: 'nodejs24.x',
      Timeout: 5,
      Environment: { Variables: { COLOUR: colour } },
    },
  });
  return {
    Resources: {
      Worker: toy('worker.zip'),
      Hook: toy('hook.zip'),
      [`Version${colour}`]: { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'Worker' } } },
      Live: {
        Type: 'AWS::Lambda::Alias',
        Properties: {
          FunctionName: { Ref: 'Worker' },
          FunctionVersion: { 'Fn::GetAtt': [`Version${colour}`, 'Version'] },
          Name: 'live',
        },
        UpdatePolicy: {
          CodeDeployLambdaAliasUpdate: {
            ApplicationName: 'App',
            DeploymentGroupName: { Ref: 'Group' },
            BeforeAllowTrafficHook: { Ref: 'Hook' },
            AfterAllowTrafficHook: { Ref: 'Hook' },
          },
        },
      },
      Alarm: {
        Type: 'AWS::CloudWatch::Alarm',
        Properties: {
          Dimensions: [{ Name: 'ExecutedVersion', Value: { 'Fn::GetAtt': [`Version${colour}`, 'Version'] } }],
        },
      },
      Group: {
        Type: 'AWS::CodeDeploy::DeploymentGroup',
        Properties: {
          AlarmConfiguration: { Enabled: true, Alarms: [{ Name: { Ref: 'Alarm' } }] },
          AutoRollbackConfiguration: {
            Enabled: true,
            Events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM'],
          },
          DeploymentConfigName: 'CodeDeployDefault.LambdaLinear50PercentEvery1Minute',
        },
      },
      ...more,
    },
    Outputs: { Colour: { Value: colour } },
  };
}

const toys: ToyFunction[] = [];
let cloud: LocalCloud;
let client: LambdaClient;
let failed = 0;
/** Of the alarm, each with the deployments that had begun when it was set. */
let watched: unknown[] = [];

async function start(minuteMs = 50): Promise<void> {
  failed = 0;
  watched = [];
  const [workerToy, hookToy] = [toyFunction('worker', worker), toyFunction('hook', hook)];
  toys.push(workerToy, hookToy);
  const assets: Record<string, string> = {
    'worker.zip': workerToy.config.codeDirectory,
    'hook.zip': hookToy.config.codeDirectory,
  };
  cloud = await startLocalCloud({
    template: template('blue'),
    findAsset: (key) => assets[key],
    onAlarm: (name, { Dimensions }) =>
      void watched.push([name, Dimensions, cloud?.codeDeploy.deployments.length]),
    rollouts: { minuteMs, isAlarmOn: (name) => name === 'Alarm' && failed > 0 },
    invocations: { onInvoked: ({ isError }) => void (failed += Number(isError)) },
  });
  client = new LambdaClient(clientConfig(cloud.endpoints.lambda));
}

const findAsset = (key: string) => toys[key === 'worker.zip' ? 0 : 1]?.config.codeDirectory;
const update = (next: Template) => cloud.update({ template: next, findAsset });

async function ask(name: string): Promise<string> {
  const { FunctionError, Payload } = await client.send(new InvokeCommand({ FunctionName: name }));
  return FunctionError === undefined ? JSON.parse(Payload?.transformToString() ?? '') : FunctionError;
}

afterEach(async () => {
  client.destroy();
  await cloud.stop();
  for (const toy of toys.splice(0)) toy.remove();
});

describe('an update of the stack', () => {
  test('moves the alias in steps, between two hooks, and removes the version before', async () => {
    await start();
    expect(await ask('Worker:live')).toBe('blue');
    await update(template('green'));
    expect(await ask('Worker:live')).toBe('green');
    expect(cloud.outputs['Colour']).toBe('green');
    await expect(ask('Worker:1')).rejects.toThrow('not found');
    const [deployment, ...others] = cloud.codeDeploy.deployments;
    expect(others).toEqual([]);
    expect(deployment).toMatchObject({
      fromVersion: '1',
      problem: null,
      hooks: { BeforeAllowTraffic: 'Succeeded', AfterAllowTraffic: 'Succeeded' },
    });
    const [half, all] = deployment?.weights ?? [];
    expect([half?.weight, all?.weight]).toEqual([0.5, 1]);
    expect((all?.atMs ?? 0) - (half?.atMs ?? 0)).toBeGreaterThanOrEqual(50);
    expect(cloud.requests().codeDeploy.get('PutLifecycleEventHookExecutionStatus')).toBe(2);
  });

  test('gives a version that the hook refuses no traffic, and goes back as a whole', async () => {
    await start();
    await expect(update(template('black'))).rejects.toThrow('BeforeAllowTraffic: the hook says no');
    expect(cloud.codeDeploy.deployments[0]).toMatchObject({
      weights: [],
      hooks: { BeforeAllowTraffic: 'Failed' },
    });
    expect(await ask('Worker:live')).toBe('blue');
    expect(await ask('Worker')).toBe('blue');
    expect(cloud.outputs['Colour']).toBe('blue');
    await expect(ask('Worker:2')).rejects.toThrow('not found');
    await update(template('green'));
    expect(await ask('Worker:live')).toBe('green');
  });

  test('gives an alarm the number of the new version before it has traffic, and the one before when it is back', async () => {
    await start();
    await expect(update(template('black'))).rejects.toThrow('the hook says no');
    const of = (version: string) => [{ Name: 'ExecutedVersion', Value: version }];
    expect(watched.slice(1)).toEqual([
      ['Alarm', of('2'), 0],
      ['Alarm', of('1'), 1],
    ]);
  });

  test('takes the traffic back when an alarm goes on', async () => {
    await start(5000);
    const updated = update(template('red')).then(
      () => null,
      (error: Error) => error.message,
    );
    while (failed === 0) await ask('Worker:live');
    expect(await updated).toContain('the alarm Alarm is on');
    expect(cloud.codeDeploy.deployments[0]?.weights.map(({ weight }) => weight).at(-1)).toBe(0);
    expect(await ask('Worker:live')).toBe('blue');
  });

  test('a hook that does not answer fails the deployment', async () => {
    await start();
    await expect(update(template('grey'))).rejects.toThrow('no answer of the hook');
    expect(await ask('Worker:live')).toBe('blue');
  });

  test('refuses what it cannot change, and leaves nothing half done', async () => {
    await start();
    const queue = (delay: number) => ({
      Queue: { Type: 'AWS::SQS::Queue', Properties: { VisibilityTimeout: delay } },
    });
    await update(template('blue', queue(1)));
    await expect(update(template('green', queue(2)))).rejects.toThrow('cannot change it');
    expect(await ask('Worker:live')).toBe('blue');
  });
});

test('the API of the stand-in refuses what nobody waits for', async () => {
  await start();
  const target = (operation: string, body: object) =>
    fetch(cloud.endpoints.codeDeploy, {
      method: 'POST',
      headers: { 'x-amz-target': `CodeDeploy_20141006.${operation}` },
      body: JSON.stringify(body),
    }).then(async (answer) => [answer.status, JSON.stringify(await answer.json())]);
  const status = { deploymentId: 'd', lifecycleEventHookExecutionId: 'e', status: 'Succeeded' };
  expect(await target('PutLifecycleEventHookExecutionStatus', status)).toEqual([
    400,
    expect.stringContaining('InvalidLifecycleEventHookExecutionIdException'),
  ]);
  const wrong = await target('PutLifecycleEventHookExecutionStatus', { ...status, status: 'Maybe' });
  expect(wrong[1]).toContain('InvalidLifecycleEventHookExecutionStatusException');
  expect((await target('CreateDeployment', {}))[0]).toBe(501);
});
