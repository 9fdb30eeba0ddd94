import { describe, expect, it } from 'vitest';
import { applyDelta } from '../../../lib/blob/apply-delta.ts';
import { readHeader } from '../../../lib/blob/decode-header.ts';
import { decodeSnapshot } from '../../../lib/blob/decode-snapshot.ts';
import { encodeDelta } from '../../../lib/blob/encode-delta.ts';
import { encodeHeaderBlob } from '../../../lib/blob/encode-header.ts';
import { encodeFirstSnapshot, encodeSnapshot } from '../../../lib/blob/encode-snapshot.ts';
import { evolveState } from '../../../lib/blob/evolve-state.ts';
import { nextHeaderTags } from '../../../lib/blob/header-tags.ts';
import { ByteReader } from '../../../lib/bytes/byte-reader.ts';
import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { ReadState } from '../../../lib/state/read-state.ts';
import { WriteState } from '../../../lib/state/write-state.ts';
import { inspectBlob } from '../../../lib/tools/inspect-blob.ts';
import { readFixture } from '../../support/golden-fixtures.ts';
import { textOfRecord } from '../../support/record-text.ts';
import { recordView } from '../../support/record-view.ts';
import { noParts, noTags, recordsOf } from '../../support/writer-model.ts';

const schemaOf = (text: string) => DatasetSchema.of(parseSchemas(text));
const texts = (state: ReadState, type: string) =>
  [...recordsOf(state, type).keys()].map((ordinal) => textOfRecord(state, type, ordinal)).toSorted();

/** A state with these records; `add` is given (type, value) pairs. */
function stateOf(schema: DatasetSchema, records: readonly (readonly [string, unknown])[]): ReadState {
  const empty = ReadState.empty(schema);
  const cycle = WriteState.restore(empty).begin();
  for (const [type, value] of records) cycle.add(type, value);
  const delta = encodeDelta(cycle.transition(), {
    tag: 5n,
    headerTags: new Map([['k', 'v']]),
    parts: noParts,
  });
  return applyDelta(empty, delta.main).state;
}

describe('parts', () => {
  const schema = schemaOf('A { int a; } B { int b; }');

  it('hold the types that are given to them, and are there even if empty', () => {
    const state = stateOf(schema, [['A', { a: 1 }]]);
    const parts = new Map([
      ['x', ['B']],
      ['y', []],
    ]);
    const blob = encodeSnapshot(state, { parts });
    expect([...blob.parts.keys()]).toEqual(['x', 'y']);
    expect(decodeSnapshot(blob.main).typeNames).toEqual(['A']);
    expect(decodeSnapshot(blob.main, blob.parts).typeNames).toEqual(['A', 'B']);
    const empty = WriteState.restore(state).begin().transition();
    expect([...encodeDelta(empty, { tag: 6n, headerTags: noTags, parts }).parts.keys()]).toEqual(['x', 'y']);
  });

  it.each([
    ['an unknown type', [['x', ['C']]]],
    [
      'a type in two parts',
      [
        ['x', ['A']],
        ['y', ['A']],
      ],
    ],
  ] as [string, [string, string[]][]][])('with %s are refused', (_, parts) => {
    const state = ReadState.empty(schema);
    expect(() => encodeSnapshot(state, { parts: new Map(parts) })).toThrow(
      expect.objectContaining({ kind: 'invalid' }),
    );
  });
});

describe('a snapshot', () => {
  it.each([1, 4])('of %d shards is written to memory that is taken once', (shards) => {
    const schema = schemaOf(
      'A { string s; long n; L l; S t; M m; } L List<A>; S Set<B>; M Map<B,B>; B { int b; }',
    );
    const cycle = WriteState.restore(ReadState.empty(schema)).begin({
      shardCounts: new Map(['A', 'L', 'S', 'M', 'B'].map((type) => [type, shards])),
    });
    for (let i = 0; i < 4_000; i++) {
      const few = Array.from({ length: i % 7 }, (_, k) => ({ b: i * k }));
      const m = few.map((key) => [key, { b: i }]);
      cycle.add('A', { s: `text ${i}`.repeat(i % 5), n: i * 1e9, l: [], t: few, m });
    }
    const { main } = encodeFirstSnapshot(cycle.transition(), { tag: 5n, headerTags: noTags, parts: noParts });
    // A copy would have just its size, and what grew on the way a good deal more.
    expect(main.length).toBeGreaterThan(100_000);
    expect(main.buffer.byteLength).toBeGreaterThan(main.length);
    expect(main.buffer.byteLength).toBeLessThan(main.length + 30_000);
  });
});

describe('header', () => {
  it('alone is the front of the snapshot', () => {
    const state = stateOf(schemaOf('A { int a; } L List<A>;'), [['L', [{ a: 1 }]]]);
    const blob = encodeHeaderBlob(state);
    const snapshot = encodeSnapshot(state, { parts: noParts }).main;
    expect([...snapshot.subarray(0, blob.length)]).toEqual([...blob]);
    // The number of sections is the last of it; behind it the first section repeats its schema: OBJECT `A`.
    expect([blob.at(-1), ...snapshot.subarray(blob.length, blob.length + 4)]).toEqual([2, 0, 0, 1, 65]);
    const reader = new ByteReader(blob);
    expect(readHeader(reader)).toEqual(readHeader(new ByteReader(snapshot)));
    expect([reader.remaining, inspectBlob(blob).kind]).toEqual([0, 'header']);
    expect(() => decodeSnapshot(blob)).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });

  it('tags follow those of the state before', () => {
    const state = stateOf(schemaOf('A { int a; }'), [['A', { a: 1 }]]);
    const tags = nextHeaderTags(WriteState.restore(state).begin().transition(), 20261123113054001n);
    expect(Object.fromEntries(tags)).toEqual({
      k: 'v',
      'hollow.blob.to.version': '20261123113054001',
      'hollow.delta.chain.version.counter': '1',
      'hollow.schema.hash': expect.stringMatching(/^-?\d+$/),
    });
    const counted = new ReadState({
      schema: state.schema,
      tag: 5n,
      originTag: -1n,
      headerTags: tags,
      types: new Map([['A', state.type('A')]]),
    });
    const cycle = WriteState.restore(counted).begin({ shardCounts: new Map([['A', 2]]) });
    const next = nextHeaderTags(cycle.transition(), 2n);
    expect(next.get('hollow.delta.chain.version.counter')).toBe('2');
    expect(next.get('hollow.type.resharding.invoked')).toBe('A:(1,2)');
  });
});

describe('a state under another schema', () => {
  const before = schemaOf(
    'C @PrimaryKey(id) { int id; string gone; double d; S s; } S Set<T>; T { string t; } Old { int o; }',
  );
  const state = stateOf(before, [
    ['C', { id: 1, gone: 'x', d: 0.5, s: [{ t: 'p' }, { t: 'q' }] }],
    ['C', { id: 2, d: null, s: null }],
    ['Old', { o: 9 }],
  ]);

  it('keeps what both schemas have, under the same ordinals', () => {
    const after = schemaOf(
      'T { string t; } S Set<T>; C @PrimaryKey(id) { float f; S s; double d; int id; bytes b; } New { int n; }',
    );
    const evolved = evolveState(state, after);
    expect(evolved.typeNames).toEqual(['T', 'S', 'C', 'New']);
    expect(texts(evolved, 'C')).toEqual([
      '(null,null,null,2,null)',
      '(null,{("p"),("q")},3fe0000000000000,1,null)',
    ]);
    expect([...recordsOf(evolved, 'C').keys()]).toEqual([0, 1]);
    expect([evolved.tag, evolved.originTag, [...evolved.headerTags]]).toEqual([5n, -1n, [['k', 'v']]]);
  });

  it('lets a chain go on: readers of the old schema see what they know change', () => {
    const after = schemaOf(
      'C @PrimaryKey(id) { int id; double d; S s; int added; } S Set<T>; T { string t; }',
    );
    const cycle = WriteState.restore(evolveState(state, after)).begin();
    cycle.add('C', { id: 1, d: 2, s: [{ t: 'p' }], added: 7 });
    cycle.remove('C', 0);
    const delta = encodeDelta(cycle.transition(), { tag: 6n, headerTags: noTags, parts: noParts });
    const { state: next } = applyDelta(state, delta.main);
    expect(texts(next, 'C')).toEqual(['(1,null,4000000000000000,{("p")})', '(2,null,null,null)']);
    expect(texts(next, 'T')).toEqual(['("p")']);
  });

  it.each([
    ['a field of another kind', 'C { long id; }'],
    ['a field that refers to another type', 'C { T s; } T { string t; }'],
    ['another element type', 'S Set<C>; C { int id; }'],
    ['another kind of type', 'T List<C>; C { int id; }'],
  ])('cannot have %s', (_, text) => {
    expect(() => evolveState(state, schemaOf(text))).toThrow(
      expect.objectContaining({ kind: 'incompatible' }),
    );
  });

  it('has the values that a Java producer has after the same change', () => {
    const [java3, java4] = [3, 4].map((version) =>
      decodeSnapshot(readFixture('schema-evolution', `snapshot-${version}`) ?? new Uint8Array(0)),
    ) as [ReadState, ReadState];
    const cycle = WriteState.restore(evolveState(java3, java4.schema)).begin({ mode: 'populate' });
    // Only types whose records refer to nothing: the others would need the ordinals of this writer.
    const leaves = java4.schema.schemas.filter(
      (type) => type.kind === 'OBJECT' && type.fields.every((field) => field.referencedType === null),
    );
    expect(leaves.length).toBeGreaterThan(1);
    for (const { name } of leaves) {
      for (const ordinal of recordsOf(java4, name).keys())
        cycle.add(name, recordView(java4, name, ordinal).toObject());
    }
    const delta = encodeDelta(cycle.transition(), { tag: 9n, headerTags: noTags, parts: noParts });
    const { state: next } = applyDelta(evolveState(java3, java4.schema), delta.main);
    for (const { name } of leaves) expect(texts(next, name)).toEqual(texts(java4, name));
  });
});
