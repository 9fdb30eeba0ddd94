import { describe, expect, test } from 'vitest';
import { type References, resolveValue } from '../../../lib/local-cloud/resources/intrinsics.ts';

const references: References = {
  ref: async (id) => `ref(${id})`,
  attribute: async (id, name) => `${id}.${name}`,
};

const table: readonly (readonly [string, unknown, unknown])[] = [
  ['plain values stay', { a: [1, true, null, 'x'] }, { a: [1, true, null, 'x'] }],
  ['Ref', { Ref: 'Table' }, 'ref(Table)'],
  ['pseudo parameters', [{ Ref: 'AWS::Region' }, { Ref: 'AWS::AccountId' }], ['us-east-1', '000000000000']],
  ['GetAtt as a list', { 'Fn::GetAtt': ['Queue', 'Arn'] }, 'Queue.Arn'],
  ['GetAtt as text', { 'Fn::GetAtt': 'Queue.Arn' }, 'Queue.Arn'],
  ['Join', { 'Fn::Join': ['-', ['a', { Ref: 'B' }, 1]] }, 'a-ref(B)-1'],
  ['Select of Split', { 'Fn::Select': [1, { 'Fn::Split': [':', 'a:b:c'] }] }, 'b'],
  [
    'Sub',
    { 'Fn::Sub': 'x-${AWS::Partition}-${Queue}-${Queue.Arn}-${!Literal}' },
    'x-aws-ref(Queue)-Queue.Arn-${Literal}',
  ],
  ['Sub with variables', { 'Fn::Sub': ['${V}-${W}', { V: { Ref: 'A' } }] }, 'ref(A)-ref(W)'],
  ['inside other values', { Targets: [{ Arn: { Ref: 'A' } }] }, { Targets: [{ Arn: 'ref(A)' }] }],
];

describe('functions of a template', () => {
  test.each(table)('%s', async (_name, value, expected) => {
    expect(await resolveValue(value, references)).toEqual(expected);
  });

  test('an unknown function is an error', async () => {
    await expect(resolveValue({ 'Fn::ImportValue': 'x' }, references)).rejects.toThrow('Fn::ImportValue');
  });

  test('a selection beyond the list is an error', async () => {
    await expect(resolveValue({ 'Fn::Select': [2, ['a']] }, references)).rejects.toThrow('nothing at 2');
  });
});
