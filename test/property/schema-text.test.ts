import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDatasetError } from '../../lib/errors.ts';
import { DatasetSchema, schemaIdOf } from '../../lib/schema/dataset-schema.ts';
import { isWord, parseSchemas, printSchema, printSchemas } from '../../lib/schema/dsl.ts';
import { type Field, fieldKinds, type Schema } from '../../lib/schema/schema.ts';

const keywords = ['int', 'long', 'boolean', 'float', 'double', 'string', 'bytes'];
const word = fc
  .oneof(
    fc.constantFrom(
      'List',
      'Set',
      'Map',
      'PrimaryKey',
      'int',
      'a.b',
      'x-1',
      '_',
      '$',
      'Outer$Inner',
      'é',
      '名',
    ),
    fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,6}$/),
  )
  .filter(isWord);
const typeName = word.filter((name) => !keywords.includes(name));
const path = fc.tuple(word, fc.constantFrom('', '!')).map(([name, mark]) => name + mark);
const key = fc.array(path, { maxLength: 3 });
const field: fc.Arbitrary<Field> = fc
  .record({ name: word, kind: fc.constantFrom(...fieldKinds), type: typeName })
  .map(({ name, kind, type }) => ({ name, kind, referencedType: kind === 'REFERENCE' ? type : null }));

/** Any schema that the text can hold; what it says need not make sense. */
const schema: fc.Arbitrary<Schema> = fc.oneof(
  fc.record({
    kind: fc.constant('OBJECT' as const),
    name: typeName,
    fields: fc.array(field),
    primaryKey: key,
  }),
  fc.record({ kind: fc.constant('LIST' as const), name: typeName, elementType: typeName }),
  fc.record({ kind: fc.constant('SET' as const), name: typeName, elementType: typeName, hashKey: key }),
  fc.record({
    kind: fc.constant('MAP' as const),
    name: typeName,
    keyType: typeName,
    valueType: typeName,
    hashKey: key,
  }),
);

const noise = fc
  .array(fc.constantFrom(' ', '\n', '\t', '\r\n', '// { ; \n', '/**/', '/* int x; \n // */'), {
    minLength: 1,
    maxLength: 3,
  })
  .map((pieces) => pieces.join(''));

test('parse(print(schemas)) = schemas', () => {
  fc.assert(
    fc.property(fc.array(schema), (schemas) => {
      expect(parseSchemas(printSchemas(schemas))).toEqual(schemas);
      expect(parseSchemas(schemas.map(printSchema).join(''))).toEqual(schemas);
    }),
  );
});

test('comments and white space between tokens change nothing', () => {
  fc.assert(
    fc.property(
      fc.array(schema, { minLength: 1, maxLength: 4 }),
      fc.array(noise, { minLength: 1 }),
      (schemas, noises) => {
        const tokens = printSchemas(schemas).match(/[^\s@(){}<>,;!]+|[@(){}<>,;!]/g) ?? [];
        const text = tokens.map((token, i) => token + noises[i % noises.length]).join('');
        expect(parseSchemas(text)).toEqual(schemas);
      },
    ),
  );
});

test('any text is parsed or refused at a place that exists', () => {
  const pieces = fc.constantFrom(
    ...'A b int List<Set<Map<@ PrimaryKey HashKey ( ) { } < > , ; ! // /* */ \n 1 é $ " \\ \0'.split(' '),
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(pieces).map((parts) => parts.join(' ')),
  );
  fc.assert(
    fc.property(text, (input) => {
      try {
        const schemas = parseSchemas(input);
        expect(parseSchemas(printSchemas(schemas))).toEqual(schemas);
      } catch (error) {
        if (!isDatasetError(error, 'invalid')) throw error;
        const { line, column } = error.details;
        const lines = input.split('\n');
        expect(line).toBeGreaterThanOrEqual(1);
        expect(line).toBeLessThanOrEqual(lines.length);
        expect(column).toBeGreaterThanOrEqual(1);
        expect(column).toBeLessThanOrEqual((lines[Number(line) - 1] ?? '').length + 1);
      }
    }),
    { numRuns: 1000 },
  );
});

test('any schemas are a closed set, or refused as invalid; the id does not depend on their order', () => {
  const name = fc.constantFrom('A', 'B', 'C');
  const fieldName = fc.constantFrom('x', 'y', 'z');
  const closed = fc.uniqueArray(
    fc.oneof(
      fc.record({
        kind: fc.constant('OBJECT' as const),
        name,
        fields: fc.uniqueArray(
          fc.record({ name: fieldName, kind: fc.constantFrom(...fieldKinds), type: name }).map((spec) => ({
            name: spec.name,
            kind: spec.kind,
            referencedType: spec.kind === 'REFERENCE' ? spec.type : null,
          })),
          { selector: (spec) => spec.name },
        ),
        primaryKey: fc.array(fc.constantFrom('x', 'y', 'x.y', 'x.y.z', 'x!', 'y.x!'), { maxLength: 2 }),
      }),
      fc.record({
        kind: fc.constant('SET' as const),
        name,
        elementType: name,
        hashKey: fc.array(fieldName, { maxLength: 2 }),
      }),
      fc.record({ kind: fc.constant('LIST' as const), name, elementType: name }),
    ),
    { selector: (spec) => spec.name, maxLength: 3 },
  );
  let closedCount = 0;
  fc.assert(
    fc.property(closed, (schemas: readonly Schema[]) => {
      try {
        const set = DatasetSchema.of(schemas);
        closedCount++;
        expect(schemaIdOf(DatasetSchema.of(schemas.toReversed()))).toBe(schemaIdOf(set));
        for (const { name: type } of schemas) {
          for (const { types, steps, leafField, leafKind, path: declared } of set.keyPaths(type)) {
            expect(types).toHaveLength(steps.length + 1);
            expect(set.getObject(types.at(-1) ?? '').fields[leafField]?.kind).toBe(leafKind);
            if (leafKind === 'REFERENCE') expect(declared).toMatch(/!$/);
          }
        }
      } catch (error) {
        if (!isDatasetError(error, 'invalid')) throw error;
      }
    }),
    { numRuns: 2000 },
  );
  expect(closedCount).toBeGreaterThan(100);
});
