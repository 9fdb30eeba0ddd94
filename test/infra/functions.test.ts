import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { ServiceFunction } from '../../infra/service-function.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import { parseConsumerSettings, parseProducerSettings } from '../../lib/settings.ts';
import { resource, templateOf, templateWith } from './template.ts';

let template: Template;
beforeAll(() => {
  template = templateOf();
});

type Variables = Record<string, unknown>;
interface FunctionResource {
  readonly Properties: {
    readonly Environment: { readonly Variables: Variables };
    readonly [key: string]: unknown;
  };
}

const functionNamed = (id: string) =>
  (resource(template, 'AWS::Lambda::Function', `${id}Function`) as unknown as FunctionResource).Properties;

/** The environment as the function will see it, with a stand-in for what is known at deploy time only. */
const environmentOf = (id: string) =>
  Object.fromEntries(
    Object.entries(functionNamed(id).Environment.Variables).map(([key, value]) => [
      key,
      typeof value === 'string' ? value : 'deployed',
    ]),
  );

describe.each(['Producer', 'Consumer'])('the function %s', (id) => {
  it('states everything that has a default', () => {
    expect(functionNamed(id)).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      MemorySize: expect.any(Number),
      Timeout: 30,
      TracingConfig: { Mode: 'Active' },
      LoggingConfig: { LogFormat: 'JSON', ApplicationLogLevel: 'INFO', SystemLogLevel: 'WARN' },
    });
  });

  it('writes to a log group of its own that forgets', () => {
    expect(resource(template, 'AWS::Logs::LogGroup', `${id}Logs`)['Properties']).toMatchObject({
      RetentionInDays: 7,
    });
  });

  it('is used through an alias of a published version', () => {
    const alias = resource(template, 'AWS::Lambda::Alias', `${id}Live`);
    expect(alias['Properties']).toMatchObject({ Name: 'live' });
    expect(JSON.stringify(alias)).toContain(`${id}FunctionCurrentVersion`);
  });
});

describe('environments', () => {
  it('are accepted by the functions that will start with them', () => {
    expect(parseProducerSettings(environmentOf('Producer'))).toMatchObject({
      dataset: 'cities',
      id: { partition: 0 },
    });
    expect(parseConsumerSettings(environmentOf('Consumer'))).toMatchObject({
      dataset: 'cities',
      id: { partition: 0 },
    });
  });

  it('carry a schema that can be read', () => {
    const { schema } = parseProducerSettings(environmentOf('Producer'));
    expect(parseSchemas(schema).map(({ name }) => name)).toEqual(['City', 'String']);
  });

  it('are refused when Lambda would refuse them', () => {
    const stack = new Stack(new App(), 'Refused');
    const create = () =>
      new ServiceFunction(stack, 'Long', {
        bundle: 'producer',
        description: '',
        environment: { HOLLOW_SCHEMA: 'x'.repeat(5_000) },
        memorySizeMb: 128,
        timeout: Duration.seconds(1),
        logRetention: 7,
      });
    expect(create).toThrow('has 5013 of at most 4096 bytes');
  });
});

describe('bundles', () => {
  it('are the ones that build.ts wrote', () => {
    for (const name of ['producer', 'consumer']) {
      const path = join(import.meta.dirname, '..', '..', 'dist', name, 'index.mjs');
      expect(existsSync(path), path).toBe(true);
      expect(readFileSync(path, 'utf8')).toContain('handler');
    }
  });
});

describe('a setting that the construct does not know', () => {
  const validators = '{"Price":{"countMin":1000}}';
  const versionsOf = (made: Template) =>
    Object.keys(made.findResources('AWS::Lambda::Version')).filter((id) => id.includes('ProducerFunction'));

  it('is added to the function, which gets a new version', () => {
    const before = templateWith(() => ({}));
    const after = templateWith(
      () => ({}),
      ({ partitions }) => {
        for (const { producer } of partitions) {
          producer.function.addEnvironment('HOLLOW_VALIDATORS', validators);
        }
      },
    );
    expect(resource(after, 'AWS::Lambda::Function', 'ProducerFunction')).toMatchObject({
      Properties: { Environment: { Variables: { HOLLOW_VALIDATORS: validators } } },
    });
    expect(versionsOf(after)).toHaveLength(1);
    expect(versionsOf(after)).not.toEqual(versionsOf(before));
  });
});
