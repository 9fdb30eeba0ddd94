import { describe, expect, test } from 'vitest';
import { compilePattern, PatternError } from '../../../lib/local-cloud/events/event-pattern.ts';

const event = {
  source: 'serverless-hollow',
  'detail-type': 'Dataset Version Committed',
  detail: {
    id: { dataset: 'cities', partition: 0 },
    version: 300,
    tags: ['red', 'green'],
    items: [
      { kind: 'a', size: 1 },
      { kind: 'b', size: 9 },
    ],
    empty: [],
    nothing: null,
    flag: true,
    path: 'img/photo.png',
  },
};

const table: readonly (readonly [string, object, boolean])[] = [
  ['exact string', { source: ['serverless-hollow'] }, true],
  ['one of several', { source: ['other', 'serverless-hollow'] }, true],
  ['other string', { source: ['other'] }, false],
  ['nested', { detail: { id: { dataset: ['cities'], partition: [0] } } }, true],
  ['all fields must match', { detail: { id: { dataset: ['cities'], partition: [1] } } }, false],
  ['number is not its text', { detail: { version: ['300'] } }, false],
  ['null', { detail: { nothing: [null] } }, true],
  ['boolean', { detail: { flag: [true] } }, true],
  ['absent field', { detail: { missing: ['x'] } }, false],
  ['any element of an array', { detail: { tags: ['green'] } }, true],
  ['no element of an array', { detail: { tags: ['blue'] } }, false],
  ['array of objects, one element has both', { detail: { items: { kind: ['b'], size: [9] } } }, true],
  ['array of objects, no element has both', { detail: { items: { kind: ['a'], size: [9] } } }, false],
  ['prefix', { detail: { path: [{ prefix: 'img/' }] } }, true],
  ['prefix, not there', { detail: { path: [{ prefix: 'photo' }] } }, false],
  ['prefix ignoring case', { detail: { path: [{ prefix: { 'equals-ignore-case': 'IMG/' } }] } }, true],
  ['suffix', { detail: { path: [{ suffix: '.png' }] } }, true],
  ['suffix, not there', { detail: { path: [{ suffix: '.jpg' }] } }, false],
  ['equals-ignore-case', { source: [{ 'equals-ignore-case': 'SERVERLESS-hollow' }] }, true],
  ['wildcard', { detail: { path: [{ wildcard: 'img/*.png' }] } }, true],
  ['wildcard takes other characters literally', { detail: { path: [{ wildcard: 'img/photo?png' }] } }, false],
  ['anything-but', { source: [{ 'anything-but': 'other' }] }, true],
  ['anything-but itself', { source: [{ 'anything-but': 'serverless-hollow' }] }, false],
  ['anything-but a list', { detail: { version: [{ 'anything-but': [1, 300] }] } }, false],
  ['anything-but a prefix', { source: [{ 'anything-but': { prefix: 'aws.' } }] }, true],
  ['anything-but needs the field', { detail: { missing: [{ 'anything-but': 'x' }] } }, false],
  ['numeric equal', { detail: { version: [{ numeric: ['=', 300] }] } }, true],
  ['numeric range', { detail: { version: [{ numeric: ['>', 0, '<=', 300] }] } }, true],
  ['numeric outside', { detail: { version: [{ numeric: ['>', 300] }] } }, false],
  ['numeric on text', { source: [{ numeric: ['>', 0] }] }, false],
  ['exists', { detail: { version: [{ exists: true }] } }, true],
  ['exists, null is a value', { detail: { nothing: [{ exists: true }] } }, true],
  ['exists on an empty array', { detail: { empty: [{ exists: true }] } }, false],
  ['exists not', { detail: { missing: [{ exists: false }] } }, true],
  ['exists not, below what is missing', { missing: { deeper: [{ exists: false }] } }, true],
  ['exists not, but it does', { detail: { version: [{ exists: false }] } }, false],
  ['$or, second', { detail: { $or: [{ version: [1] }, { flag: [true] }] } }, true],
  ['$or, none', { detail: { $or: [{ version: [1] }, { flag: [false] }] } }, false],
  ['$or and another field', { source: ['other'], $or: [{ source: [{ exists: true }] }, { x: [1] }] }, false],
];

describe('event patterns', () => {
  test.each(table)('%s', (_name, pattern, expected) => {
    expect(compilePattern(pattern)(event)).toBe(expected);
  });

  const invalid: readonly (readonly [string, unknown])[] = [
    ['not an object', []],
    ['empty', {}],
    ['bare value', { source: 'x' }],
    ['empty array', { source: [] }],
    ['unknown matcher', { source: [{ cidr: '10.0.0.0/8' }] }],
    ['two matchers in one', { source: [{ prefix: 'a', suffix: 'b' }] }],
    ['unknown operator', { n: [{ numeric: ['!=', 1] }] }],
    ['nested array', { source: [['x']] }],
    ['exists of text', { source: [{ exists: 'yes' }] }],
  ];
  test.each(invalid)('refuses: %s', (_name, pattern) => {
    expect(() => compilePattern(pattern)).toThrow(PatternError);
  });
});
