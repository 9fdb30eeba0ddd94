import { describe, expect, test } from 'vitest';
import { startLocalCloud } from '../../../lib/local-cloud/cloud.ts';
import { findUnknown, type Template } from '../../../lib/local-cloud/template.ts';
import { toyTemplate } from '../../support/toy-template.ts';

describe('what the loader does not know', () => {
  const withResource = (resource: Template['Resources'][string]): Template => ({
    Resources: { Thing: resource },
  });

  test('a template of what is known has nothing unknown', () => {
    expect(findUnknown(toyTemplate())).toEqual([]);
  });

  const table: readonly (readonly [string, Template, string])[] = [
    ['a type', withResource({ Type: 'AWS::SNS::Topic' }), 'Thing: type AWS::SNS::Topic'],
    [
      'a property',
      withResource({ Type: 'AWS::SQS::Queue', Properties: { FifoQueue: true } }),
      'Thing: AWS::SQS::Queue FifoQueue',
    ],
    [
      'a property inside a list',
      withResource({ Type: 'AWS::Events::Rule', Properties: { Targets: [{ Id: 'a', InputPath: '$' }] } }),
      'Thing: AWS::Events::Rule Targets.InputPath',
    ],
    [
      'a property inside a property',
      withResource({ Type: 'AWS::Lambda::Function', Properties: { Code: { ZipFile: 'x' } } }),
      'Thing: AWS::Lambda::Function Code.ZipFile',
    ],
    [
      'a condition',
      withResource({ Type: 'AWS::SQS::Queue', Condition: 'Never' }),
      'Thing: Condition of a resource',
    ],
    ['a section', { Resources: {}, Transform: 'x' }, 'section Transform'],
  ];
  test.each(table)('fails: %s', async (_name, template, expected) => {
    expect(findUnknown(template)).toEqual([expected]);
    await expect(startLocalCloud({ template, findAsset: () => undefined })).rejects.toThrow(expected);
  });
});
