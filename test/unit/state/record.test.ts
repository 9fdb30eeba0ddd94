import { describe, expect, it } from 'vitest';
import { applyDelta } from '../../../lib/blob/apply-delta.ts';
import { encodeDelta } from '../../../lib/blob/encode-delta.ts';
import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { recordJson, recordObject, recordToWrite } from '../../../lib/state/plain-record.ts';
import { ReadState } from '../../../lib/state/read-state.ts';
import { WriteState } from '../../../lib/state/write-state.ts';
import { recordView } from '../../support/record-view.ts';

const schema = DatasetSchema.of(
  parseSchemas(`
    Film @PrimaryKey(id) {
      int id; long views; boolean seen; float score; double exact; bytes data; string inline;
      String title; Film next; Tags tags; Cast cast; Names names; string toObject;
    }
    String { string value; }
    Actor { int id; String name; }
    Tags Set<String>;
    Cast List<Actor>;
    Names Map<String, Actor>;
  `),
);

const full = {
  id: 1,
  views: 2n ** 60n,
  seen: true,
  score: 0.5,
  exact: 0.1,
  data: Uint8Array.of(1, 255),
  inline: 'in',
  title: 'Größe',
  next: { id: 2, views: 5 },
  tags: ['a', 'b'],
  cast: [{ id: 7, name: 'x' }, { id: 8 }],
  names: [['k', { id: 7, name: 'x' }]],
  toObject: 'a field',
};
const nothing = {
  views: null,
  seen: null,
  score: null,
  exact: null,
  data: null,
  inline: null,
  title: null,
  next: null,
  tags: null,
  cast: null,
  names: null,
  toObject: null,
};

function stateOf(...films: readonly object[]): ReadState {
  const from = ReadState.empty(schema);
  const cycle = WriteState.restore(from).begin();
  for (const film of films) cycle.add('Film', film);
  const options = { tag: 1n, headerTags: new Map(), parts: new Map() };
  return applyDelta(from, encodeDelta(cycle.transition(), options).main).state;
}

/** Ordinal of the film with this id. */
function find(state: ReadState, id: number): number {
  const films = state.objectType('Film');
  let o = films.nextPopulated(0);
  while (o >= 0 && films.readInt(o, 0) !== id) o = films.nextPopulated(o + 1);
  return o;
}

describe('a record', () => {
  const state = stateOf(full, { id: 3 });
  const view = recordView(state, 'Film', find(state, 1));

  it('has a property for each field', () => {
    expect(view['id']).toBe(1);
    expect(view['views']).toBe(2n ** 60n);
    expect(view['seen']).toBe(true);
    expect(view['score']).toBe(0.5);
    expect(view['exact']).toBe(0.1);
    expect(view['data']).toEqual(Uint8Array.of(1, 255));
    expect(view['inline']).toBe('in');
    expect(view['title']).toBe('Größe');
    expect(view['toObject']).toBe('a field');
    expect(view['nothing']).toBeUndefined();
  });

  it('leads to other records', () => {
    const next = view['next'] as typeof view;
    expect([next['id'], next['views'], next['title'], next['cast']]).toEqual([2, 5, null, null]);
    expect((view['cast'] as (typeof view)[]).map((actor) => [actor['id'], actor['name']])).toEqual([
      [7, 'x'],
      [8, null],
    ]);
  });

  it('is null where nothing was given', () => {
    const empty = recordView(state, 'Film', find(state, 3));
    for (const field of Object.keys(nothing)) expect(empty[field], field).toBe(null);
  });

  it('as a plain object is what was added', () => {
    const plain = recordObject(state, 'Film', find(state, 1));
    expect(plain).toEqual({
      ...full,
      next: { ...nothing, id: 2, views: 5 },
      cast: [
        { id: 7, name: 'x' },
        { id: 8, name: null },
      ],
    });
    expect(recordObject(stateOf(plain), 'Film', find(stateOf(plain), 1))).toEqual(plain);
    expect(recordObject(state, 'Film', find(state, 3))).toEqual({ ...nothing, id: 3 });
  });

  it('keeps a box of null when it is written again, which reads as null', () => {
    const film = { id: 1, title: { value: null }, cast: [{ id: 7, name: { value: null } }, { id: 8 }] };
    const boxed = stateOf(film);
    const ordinal = find(boxed, 1);
    expect(recordView(boxed, 'Film', ordinal)['title']).toBe(null);
    expect(recordObject(boxed, 'Film', ordinal)).toMatchObject({ title: null, cast: [{ name: null }, {}] });
    const again = WriteState.restore(boxed).begin();
    expect(again.add('Film', recordToWrite(boxed, 'Film', ordinal))).toBe(ordinal);
    expect(again.transition().isEmpty).toBe(true);
  });

  it('as JSON can be added again', () => {
    const text = JSON.stringify(view);
    expect(JSON.parse(text)).toMatchObject({
      views: String(2n ** 60n),
      data: 'Af8=',
      names: [['k', { id: 7, name: 'x' }]],
    });
    const again = stateOf(JSON.parse(text) as object);
    expect(recordJson(again, 'Film', find(again, 1))).toEqual(JSON.parse(text));
  });

  it('stays what it was when the state moves on', () => {
    const writer = WriteState.restore(state);
    const cycle = writer.begin();
    cycle.remove('Film', find(state, 1));
    cycle.add('Film', { ...full, title: 'new' });
    const options = { tag: 2n, headerTags: new Map(), parts: new Map() };
    const next = applyDelta(state, encodeDelta(cycle.transition(), options).main).state;
    expect(view['title']).toBe('Größe');
    expect(recordView(next, 'Film', find(next, 1))['title']).toBe('new');
  });

  it('can only be asked for by an OBJECT type that is there', () => {
    expect(() => recordView(state, 'Tags', 0)).toThrow(expect.objectContaining({ kind: 'invalid' }));
    expect(() => recordView(state, 'Nothing', 0)).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });

  it('that leads to itself is refused as damage when it is unrolled', () => {
    const cycle = WriteState.restore(ReadState.empty(schema)).begin();
    cycle.addFlat('Film', [1, null, null, null, null, null, null, null, 0, null, null, null, null]);
    const options = { tag: 1n, headerTags: new Map(), parts: new Map() };
    const looped = applyDelta(ReadState.empty(schema), encodeDelta(cycle.transition(), options).main).state;
    expect(() => recordObject(looped, 'Film', 0)).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });
});
