import { describe, expect, it } from 'vitest';
import { applyDelta } from '../../../lib/blob/apply-delta.ts';
import { encodeDelta } from '../../../lib/blob/encode-delta.ts';
import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { ReadState } from '../../../lib/state/read-state.ts';
import type { CycleTransition } from '../../../lib/state/transition.ts';
import { WriteState } from '../../../lib/state/write-state.ts';
import { textOfRecord } from '../../support/record-text.ts';
import { noParts, noTags, recordsOf, step } from '../../support/writer-model.ts';

const schema = DatasetSchema.of(
  parseSchemas(`
    City @PrimaryKey(id) { int id; String name; Mayor mayor; Tags tags; Names names; bytes raw; long big; }
    String { string value; }
    Mayor @PrimaryKey(id) { int id; String name; }
    Tags Set<Tag> @HashKey(value);
    Tag { string value; int weight; }
    Names Map<String, String>;
  `),
);

let tag = 0n;

/** Commits a cycle; the ordinals of a type are those that it has afterwards. */
function commit(writer: WriteState, change: (cycle: ReturnType<WriteState['begin']>) => void): void {
  const cycle = writer.begin();
  change(cycle);
  const { state, changes } = step(writer, cycle, ++tag);
  writer.advance(state, changes);
}

const ordinals = (writer: WriteState, type: string) => [...recordsOf(writer.state, type).keys()];
const start = () => WriteState.restore(ReadState.empty(schema));
const invalid = expect.objectContaining({ kind: 'invalid' });

/** A transition to this one city, at the ordinal at which there was another. No writer of ours makes such. */
function renumbered(writer: WriteState, city: object): CycleTransition {
  const cycle = writer.begin();
  cycle.remove('City', 0);
  cycle.add('City', city);
  const transition = cycle.transition();
  const types = transition.types.map((type) => {
    if (type.schema.name !== 'City') return type;
    return { ...type, added: { ...type.added, ordinals: Int32Array.of(0) } };
  });
  return { ...transition, types };
}

describe('ordinals', () => {
  it('of removed records are free again one version later, lowest first', () => {
    const writer = start();
    commit(writer, (cycle) => [1, 2, 3].forEach((id) => cycle.add('City', { id })));
    expect(ordinals(writer, 'City')).toEqual([0, 1, 2]);
    commit(writer, (cycle) => {
      cycle.remove('City', 0);
      cycle.remove('City', 1);
      expect(cycle.add('City', { id: 4 })).toBe(3);
    });
    expect(ordinals(writer, 'City')).toEqual([2, 3]);
    commit(writer, (cycle) => expect([5, 6, 7].map((id) => cycle.add('City', { id }))).toEqual([0, 1, 4]));
  });

  it('stay with a record that is removed and added again in one cycle', () => {
    const writer = start();
    commit(writer, (cycle) => cycle.add('City', { id: 1, name: 'a' }));
    const cycle = writer.begin();
    cycle.remove('City', 0);
    expect(cycle.transition().isEmpty).toBe(false);
    expect(cycle.add('City', { id: 1, name: 'a' })).toBe(0);
    expect(cycle.transition().isEmpty).toBe(true);
  });

  it('that another writer gives to another record at once lead to that one', () => {
    const writer = start();
    commit(writer, (cycle) => cycle.add('City', { id: 1, name: 'before' }));
    const transition = renumbered(WriteState.restore(writer.state), { id: 2, name: 'after' });
    const delta = encodeDelta(transition, { tag: ++tag, headerTags: noTags, parts: noParts });
    const { state, changes } = applyDelta(writer.state, delta.main);
    writer.advance(state, changes);
    for (const each of [writer, WriteState.restore(state)]) {
      const cycle = each.begin();
      expect(cycle.add('City', { id: 2, name: 'after' })).toBe(0);
      expect(cycle.add('City', { id: 1, name: 'before' })).toBe(1);
    }
    commit(writer, (cycle) => cycle.remove('City', 0));
    expect(ordinals(writer, 'City')).toEqual([]);
    commit(writer, (cycle) => expect(cycle.add('City', { id: 2, name: 'after' })).toBe(0));
  });

  it('are not used up by a record that is withdrawn before the end', () => {
    const writer = start();
    commit(writer, (cycle) => {
      cycle.remove('City', cycle.add('City', { id: 1, name: 'withdrawn' }));
      cycle.add('City', { id: 2, name: 'stays' });
    });
    expect(ordinals(writer, 'City')).toEqual([1]);
    expect(ordinals(writer, 'String')).toEqual([1]);
    commit(writer, (cycle) => expect(cycle.add('City', { id: 3 })).toBe(0));
  });
});

describe('life', () => {
  it('of what is shared ends with its last user', () => {
    const writer = start();
    commit(writer, (cycle) => [1, 2].forEach((id) => cycle.add('City', { id, name: 'shared' })));
    expect(ordinals(writer, 'String')).toEqual([0]);
    commit(writer, (cycle) => cycle.remove('City', 0));
    expect(ordinals(writer, 'String')).toEqual([0]);
    commit(writer, (cycle) => cycle.remove('City', 1));
    expect(ordinals(writer, 'String')).toEqual([]);
  });

  it('of a keyed record goes on without those that refer to it, until it is removed', () => {
    const writer = start();
    commit(writer, (cycle) => cycle.add('City', { id: 1, mayor: { id: 7, name: 'm' } }));
    commit(writer, (cycle) => cycle.remove('City', 0));
    expect(ordinals(writer, 'Mayor')).toEqual([0]);
    commit(writer, (cycle) => cycle.remove('Mayor', 0));
    expect([ordinals(writer, 'Mayor'), ordinals(writer, 'String')]).toEqual([[], []]);
  });

  it('of a keyed record that is removed goes on while something refers to it', () => {
    const writer = start();
    commit(writer, (cycle) => cycle.add('City', { id: 1, mayor: { id: 7 } }));
    const cycle = writer.begin();
    cycle.remove('Mayor', 0);
    expect(cycle.transition().isEmpty).toBe(true);
    cycle.remove('City', 0);
    expect(cycle.transition().types.map((type) => [type.schema.name, ...type.removed])).toEqual([
      ['City', 0],
      ['Mayor', 0],
    ]);
  });

  it('of a string comes back with it in a full populate', () => {
    const writer = start();
    const cycle = writer.begin({ mode: 'populate' });
    cycle.add('City', { id: 1, name: 'Delft' });
    cycle.remove('String', 0);
    cycle.add('City', { id: 2, name: 'Delft' });
    const { state, changes } = step(writer, cycle, ++tag);
    writer.advance(state, changes);
    expect(ordinals(writer, 'String')).toEqual([0]);
  });

  it('ends in a full populate for all that is not added again', () => {
    const writer = start();
    commit(writer, (cycle) =>
      [1, 2].forEach((id) => cycle.add('City', { id, name: `n${id}`, mayor: { id } })),
    );
    const cycle = writer.begin({ mode: 'populate' });
    expect(cycle.add('City', { id: 2, name: 'n2', mayor: { id: 2 } })).toBe(1);
    const { state } = step(writer, cycle, ++tag);
    for (const type of ['City', 'String', 'Mayor']) expect(state.type(type).count, type).toBe(1);
  });
});

describe('values', () => {
  it('may come bare, as base64, as decimal text, and maps as objects', () => {
    const writer = start();
    const plain = {
      id: 1,
      name: { value: 'Bern' },
      names: [
        [{ value: 'fr' }, { value: 'Berne' }],
        [{ value: 'de' }, { value: 'Bern' }],
      ],
      raw: Uint8Array.of(0, 255, 16),
      big: 2n ** 62n,
    };
    commit(writer, (cycle) => {
      const ordinal = cycle.add('City', plain);
      const bare = {
        id: 1,
        name: 'Bern',
        names: { de: 'Bern', fr: 'Berne' },
        raw: 'AP8Q',
        big: String(2n ** 62n),
      };
      expect(cycle.add('City', bare)).toBe(ordinal);
    });
    expect(textOfRecord(writer.state, 'City', 0)).toBe(
      '(1,("Bern"),null,null,{("de")=("Bern"),("fr")=("Berne")},00ff10,4611686018427387904)',
    );
  });

  it('are not taken from what every object inherits', () => {
    const odd = DatasetSchema.of(parseSchemas('Odd { string toString; int valueOf; }'));
    const writer = WriteState.restore(ReadState.empty(odd));
    commit(writer, (cycle) => {
      cycle.add('Odd', {});
      cycle.add('Odd', { toString: 'own' });
    });
    expect([0, 1].map((ordinal) => textOfRecord(writer.state, 'Odd', ordinal))).toEqual([
      '(null,null)',
      '("own",null)',
    ]);
  });

  it('that the format has no image for are null', () => {
    const writer = start();
    commit(writer, (cycle) => {
      const ordinal = cycle.add('City', { id: 1, big: -(2n ** 63n), mayor: { id: -(2 ** 31) } });
      expect(cycle.add('City', { id: 1, big: null, mayor: { id: null } })).toBe(ordinal);
    });
  });

  it.each([
    ['a number for text', { id: 1, name: { value: 5 } }],
    ['text for a number', { id: 'x' }],
    ['a record for a collection', { id: 1, tags: { value: 'x' } }],
    ['an array for a record', { id: 1, mayor: [] }],
    ['a pair that is none', { id: 1, names: [['a']] }],
  ])('that are not valid are refused: %s', (_, value) => {
    const cycle = start().begin();
    expect(() => cycle.add('City', value)).toThrow(invalid);
    expect(cycle.transition().isEmpty).toBe(true);
  });

  it('with a null where a set hashes its elements are rejected, and leave nothing behind', () => {
    const writer = start();
    const cycle = writer.begin();
    expect(() => cycle.add('City', { id: 1, name: 'x', tags: [{ value: 'a' }, { weight: 1 }] })).toThrow(
      expect.objectContaining({ kind: 'rejected', details: { type: 'Tags', path: 'value' } }),
    );
    expect(cycle.transition().isEmpty).toBe(true);
    cycle.add('City', { id: 1, tags: [{ value: 'a' }] });
    expect(step(writer, cycle, ++tag).state.type('Tag').count).toBe(1);
  });
});

describe('mistakes of the caller', () => {
  it('are refused', () => {
    const writer = start();
    const cycle = writer.begin();
    expect(() => cycle.add('Town', {})).toThrow(invalid);
    expect(() => cycle.remove('City', 0)).toThrow(invalid);
    expect(() => cycle.addFlat('String', ['a', 'b'])).toThrow(invalid);
    expect(() => cycle.addFlat('Tags', [-1])).toThrow(invalid);
    const stranger = { schema, tag: 6n, originTag: 5n, headerTags: new Map(), types: new Map() };
    expect(() => writer.advance(new ReadState(stranger), new Map())).toThrow(invalid);
    for (const count of [3, 0, 0.5, 2 ** 15]) {
      const asked = writer.begin({ shardCounts: new Map([['City', count]]) });
      expect(() => asked.transition()).toThrow(invalid);
    }
    commit(writer, (populated) => populated.add('City', { id: 1 }));
    expect(() => writer.begin({ shardCounts: new Map([['City', 4]]) }).transition()).toThrow(invalid);
    expect(writer.begin({ shardCounts: new Map([['City', 2]]) }).transition().isEmpty).toBe(false);
  });

  it.each([
    ['i', [2 ** 31, -(2 ** 31) - 1, 1.5, Number.NaN]],
    [
      'l',
      [
        0.5,
        Number.NaN,
        2 ** 63,
        -(2 ** 63) - 2048,
        2n ** 63n,
        -(2n ** 63n) - 1n,
        '',
        ' 1',
        '0x10',
        '1.5',
        'ten',
      ],
    ],
    ['r', [-1, 0.5, 2 ** 31, 2 ** 32 + 1]],
  ] as const)('are refused where a value does not fit its field (%s)', (field, values) => {
    const of = DatasetSchema.of(parseSchemas('A { int i; long l; A r; } L List<A>;'));
    const cycle = WriteState.restore(ReadState.empty(of)).begin();
    for (const value of values) {
      const record = { i: 1, l: 1, r: null, [field]: value };
      expect(() => cycle.addFlat('A', [record.i, record.l, record.r])).toThrow(invalid);
      if (field === 'r') expect(() => cycle.addFlat('L', [value])).toThrow(invalid);
    }
    expect(cycle.transition().isEmpty).toBe(true);
  });
});

describe('very small shards', () => {
  it('are no more than readers take', () => {
    const empty = ReadState.empty(DatasetSchema.of(parseSchemas('A { string s; }')));
    const cycle = WriteState.restore(empty).begin({ shardSizeMax: 1 });
    cycle.add('A', { s: 'x'.repeat(40_000) });
    const { main } = encodeDelta(cycle.transition(), { tag: 1n, headerTags: noTags, parts: noParts });
    expect(applyDelta(empty, main).state.type('A').shardCount).toBe(2 ** 14);
  });
});
