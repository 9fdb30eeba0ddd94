import { DatasetSchema } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import type { Seeded } from './seeded.ts';

/** A data model, with the types whose records tests add, change and remove. */
export interface RandomSchema {
  /** As the Java program takes it. */
  readonly forJava: {
    readonly schemas: string;
    readonly hashKeys: Readonly<Record<string, readonly string[]>>;
  };
  readonly schema: DatasetSchema;
  /** All have a primary key. */
  readonly rootTypes: readonly string[];
}

const scalars = ['int', 'long', 'boolean', 'float', 'double', 'string', 'bytes'];

/**
 * Every kind of type and of key, in an order that differs from seed to seed: boxes and leaves; lists, sets and maps of
 * them, without hash key and with one over one or two paths, direct and through a reference; objects that share all
 * that; collections of those; roots with a key of one field, of two, and behind a reference.
 *
 * Key fields come first in a type: Hollow's writer refuses a null string in front of a hash key field.
 */
export function randomSchema(random: Seeded): RandomSchema {
  const fields = (prefix: string, count: number): string =>
    Array.from({ length: count }, (_, i) => `${random.pick(scalars)} ${prefix}${i};`).join(' ');
  const types = [
    'String { string value; }',
    'Number { int value; }',
    `Leaf { int id; string code; ${scalars.map((kind) => `${kind} ${kind}Field;`).join(' ')} }`,
    `Point { ${fields('f', 1 + random.below(5))} }`,
    'Nothing { }',
    `Keyed { long id; String name; ${fields('x', random.below(3))} }`,
    'ListOfString List<String>;',
    'ListOfLeaf List<Leaf>;',
    'ListOfLists List<ListOfString>;',
    'SetOfString Set<String> @HashKey(value);',
    'SetOfPoint Set<Point>;',
    'SetOfLeaf Set<Leaf> @HashKey(id, code);',
    'SetOfKeyed Set<Keyed> @HashKey(id);',
    'SetByName Set<Keyed> @HashKey(name.value);',
    'SetByReference Set<Keyed> @HashKey(name!, id);',
    'SetOfSets Set<SetOfString>;',
    'MapOfStringToString Map<String,String> @HashKey(value);',
    'MapOfLeafToList Map<Leaf,ListOfLeaf> @HashKey(code);',
    'MapOfPointToNumber Map<Point,Number>;',
    `Detail { Point point; Leaf leaf; ListOfString lines; SetOfString tags; MapOfStringToString labels; ${fields('d', random.below(4))} Nothing nothing; }`,
    'ListOfDetail List<Detail>;',
    `Item @PrimaryKey(id) { int id; String title; Detail detail; ListOfDetail more; ListOfLists lists; SetOfLeaf leaves; SetOfPoint points; MapOfLeafToList byLeaf; ${fields('i', random.below(4))} }`,
    'Pair @PrimaryKey(left, right) { string left; long right; SetOfKeyed keyed; SetByName byName; SetByReference byReference; SetOfSets sets; MapOfPointToNumber counts; String note; }',
    'Named @PrimaryKey(name) { String name; Detail detail; double weight; }',
  ];
  const text = shuffled(random, types).join('\n');
  const forJava = { schemas: text.replaceAll('!', ''), hashKeys: { SetByReference: ['name!', 'id'] } };
  return {
    forJava,
    schema: DatasetSchema.of(parseSchemas(text)),
    rootTypes: ['Item', 'Pair', 'Named'],
  };
}

function shuffled<T>(random: Seeded, items: readonly T[]): readonly T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)).flat();
}
