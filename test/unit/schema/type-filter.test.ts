import { describe, expect, it } from 'vitest';
import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas, printSchema } from '../../../lib/schema/dsl.ts';
import { filterSchemas, type TypeFilter } from '../../../lib/schema/type-filter.ts';

const stored = parseSchemas(`
  Movie @PrimaryKey(id, studio) { int id; String title; Studio studio; Cast cast; Tags tags; Movie sequel; }
  Studio @PrimaryKey(code) { string code; String name; }
  Cast List<Actor>;
  Actor @PrimaryKey(id) { int id; String name; }
  Tags Map<String, Tag> @HashKey(value);
  Tag { string text; }
  String { string value; }
`);

/** What is loaded, one short text for each type. */
function loaded(filter: TypeFilter): readonly string[] {
  return filterSchemas(stored, filter).map((schema) =>
    schema.kind === 'OBJECT'
      ? `${schema.name}: ${schema.fields.map((field) => field.name).join(' ')}`
      : schema.name,
  );
}

const all = loaded([]);

describe('a filter', () => {
  it.each<[string, TypeFilter, readonly string[]]>([
    ['says nothing: all', [], all],
    ['excludes all', [{ exclude: '*' }], []],
    ['one type', [{ exclude: '*' }, { include: 'Tag' }], ['Tag: text']],
    ['all but one', [{ exclude: 'Cast' }], all.filter((name) => name !== 'Cast')],
    [
      'a type and what it leads to, in circles',
      [{ exclude: '*' }, { include: 'Movie', recursive: true }],
      all,
    ],
    [
      'through lists',
      [{ exclude: '*' }, { include: 'Cast', recursive: true }],
      ['Cast', 'Actor: id name', 'String: value'],
    ],
    [
      'through maps',
      [{ exclude: '*' }, { include: 'Tags', recursive: true }],
      ['Tags', 'Tag: text', 'String: value'],
    ],
    [
      'what one field leads to',
      [{ exclude: '*' }, { include: 'Movie', field: 'studio', recursive: true }],
      ['Movie: studio', 'Studio: code name', 'String: value'],
    ],
    ['only the field itself', [{ exclude: '*' }, { include: 'Movie', field: 'studio' }], ['Movie: studio']],
    [
      'a field of every type that has it',
      [{ exclude: '*', field: 'name' }],
      all.map((text) => text.replace(' name', '')),
    ],
    [
      'without one field',
      [{ exclude: 'Tag', field: 'text' }],
      all.map((text) => text.replace('Tag: text', 'Tag: ')),
    ],
    [
      'the last rule wins',
      [{ exclude: 'Actor' }, { include: 'Actor', field: 'id' }, { exclude: '*' }, { include: 'Actor' }],
      ['Actor: id name'],
    ],
    [
      'excludes with all that is behind it',
      [{ exclude: 'Studio', recursive: true }],
      ['Movie: id title studio cast tags sequel', 'Cast', 'Actor: id name', 'Tags', 'Tag: text'],
    ],
    [
      'passes over what there is not',
      [{ exclude: 'None' }, { include: 'Tags', field: 'x' }, { exclude: 'Tag', field: 'y' }],
      all,
    ],
  ])('%s', (_, filter, expected) => {
    expect(loaded(filter)).toEqual(expected);
  });
});

describe('what is loaded of a dataset', () => {
  const of = (filter: TypeFilter) => DatasetSchema.loaded(stored, filterSchemas(stored, filter));

  it('is all of it without a filter', () => {
    const schema = of([]);
    const whole = DatasetSchema.of(stored);
    expect(schema.leftOut).toEqual([]);
    expect(schema.schemas).toEqual(whole.schemas);
    expect(schema.keyPaths('Movie')).toEqual(whole.keyPaths('Movie'));
  });

  it('has the keys of the whole, at the places that fields have here', () => {
    const schema = of([
      { exclude: 'Movie', field: 'title' },
      { exclude: 'Studio', field: 'name' },
      { exclude: 'Tag' },
    ]);
    expect(schema.leftOut).toEqual(['Movie.title', 'Studio.name', 'Tag']);
    expect(schema.keyPaths('Movie').map(({ steps, types, leafField }) => [steps, types, leafField])).toEqual([
      [[], ['Movie'], 0],
      [[1], ['Movie', 'Studio'], 0],
    ]);
    expect(printSchema(schema.get('Movie'))).toMatch(/@PrimaryKey\(id, studio\)/);
  });

  it('never takes another field for the key, because it is the only one left', () => {
    const schema = of([{ exclude: 'Studio', field: 'code' }]);
    expect(() => schema.keyPaths('Movie')).toThrow(
      "the key of 'Movie' needs 'Studio.code', which is not loaded",
    );
    expect(() => schema.keyPaths('Studio')).toThrow(
      "the key of 'Studio' needs 'Studio.code', which is not loaded",
    );
    expect(schema.keyedTypes).toEqual(['Actor']);
  });

  it('says what is left out, and what there never was', () => {
    const schema = of([{ exclude: 'String' }]);
    expect(() => schema.get('String')).toThrow("the type 'String' is not loaded");
    expect(() => schema.get('Strings')).toThrow("there is no type 'Strings'");
    expect(() => schema.keyPaths('Tags')).toThrow("the key of 'Tags' needs 'String', which is not loaded");
    expect(() => schema.keyPaths('String')).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });

  it('may lack types that nothing is known of but their names', () => {
    const part = stored.filter(({ name }) => name !== 'Studio' && name !== 'Actor');
    const schema = DatasetSchema.loaded(part, part);
    expect(schema.leftOut).toEqual(['Actor', 'Studio']);
    expect(() => schema.keyPaths('Movie')).toThrow("needs 'Studio', which is not loaded");
    expect(() => DatasetSchema.of(part)).toThrow(/refers to the type 'Studio', which is not in the set/);
  });
});
