/**
 * Hollow's text form of schemas.
 *
 *     schema := name [@PrimaryKey(path, …)] { type field; … }
 *             | name List<type>;
 *             | name Set<type> [@HashKey(path, …)];
 *             | name Map<type, type> [@HashKey(path, …)];
 *
 * `int long float double boolean string bytes` are field kinds, any other word is a reference to that type. Comments
 * are `//` to the end of the line and between slash-star marks; white space is free. Two characters more than Hollow's own
 * parser takes: `$` in words (Java's nested classes) and a trailing `!` in paths, so that all that we print we can read.
 */
import { DatasetError } from '../errors.ts';
import type { Field, FieldKind, MapSchema, ObjectSchema, Schema, SetSchema } from './schema.ts';

const kindOfKeyword: ReadonlyMap<string, FieldKind> = new Map([
  ['int', 'INT'],
  ['long', 'LONG'],
  ['boolean', 'BOOLEAN'],
  ['float', 'FLOAT'],
  ['double', 'DOUBLE'],
  ['string', 'STRING'],
  ['bytes', 'BYTES'],
]);

/** A word begins with a letter, `_`, `$` or any character from U+00A0 on; digits, `.` and `-` may follow. */
const wordPattern = /[A-Za-z_$\u00a0-\uffff][A-Za-z0-9_$.\-\u00a0-\uffff]*/y;
const skippedPattern = /(?:[\t-\r ]+|\/\/[^\n]*|\/\*[^]*?\*\/)*/y;

/** True for a name that the text form can hold and give back. */
export function isWord(name: string): boolean {
  wordPattern.lastIndex = 0;
  return wordPattern.exec(name)?.[0] === name;
}

/** True for a word that means a field kind, and so cannot name a type. */
export function isKindKeyword(name: string): boolean {
  return kindOfKeyword.has(name);
}

/** Walks the text; knows where the last token began, for the messages. */
class Cursor {
  readonly #text: string;
  #start = 0;
  #end = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    this.#skip();
    return this.#end === this.#text.length;
  }

  /** The next character that is not skipped, or '' at the end; stays before it. */
  peek(): string {
    this.#skip();
    return this.#text.charAt(this.#end);
  }

  word(what: string): string {
    this.#skip();
    wordPattern.lastIndex = this.#end;
    const word = wordPattern.exec(this.#text)?.[0];
    if (word === undefined) throw this.error(`expected ${what}, got ${this.#found()}`);
    this.#end += word.length;
    return word;
  }

  /** Takes `mark` if it comes next. */
  take(mark: string): boolean {
    if (this.peek() !== mark) return false;
    this.#end++;
    return true;
  }

  expect(mark: string, where: string): void {
    if (!this.take(mark)) throw this.error(`expected '${mark}' ${where}, got ${this.#found()}`);
  }

  /** An error at the token that was read or looked at last. */
  error(problem: string): DatasetError {
    const before = this.#text.slice(0, this.#start).split('\n');
    const line = before.length;
    const column = (before.at(-1) ?? '').length + 1;
    return new DatasetError('invalid', `schema text, line ${line}, column ${column}: ${problem}`, {
      line,
      column,
    });
  }

  #skip(): void {
    skippedPattern.lastIndex = this.#end;
    skippedPattern.test(this.#text);
    this.#end = skippedPattern.lastIndex;
    this.#start = this.#end;
    if (this.#text.startsWith('/*', this.#end)) throw this.error('a comment is not closed');
  }

  #found(): string {
    const found = this.#text.charAt(this.#start);
    return found === '' ? 'the end of the text' : JSON.stringify(found);
  }
}

/**
 * Parses Hollow's text form. What the schemas say together (references, key paths, duplicate names) is for
 * DatasetSchema.of to check.
 *
 * @throws DatasetError `invalid` with details `line` and `column`, both from 1
 * @example
 * parseSchemas('City @PrimaryKey(id) { int id; String name; } String { string value; }')
 */
export function parseSchemas(text: string): readonly Schema[] {
  const cursor = new Cursor(text);
  const schemas: Schema[] = [];
  for (;;) {
    while (cursor.take(';'));
    if (cursor.isAtEnd) return schemas;
    schemas.push(parseSchema(cursor));
  }
}

function parseSchema(cursor: Cursor): Schema {
  const name = cursor.word('the name of a type');
  if (isKindKeyword(name))
    throw cursor.error(`a type cannot be called '${name}': the word means a field kind`);
  if (cursor.peek() === '@' || cursor.peek() === '{') return parseObject(cursor, name);
  const kind = cursor.word(`'{', '@PrimaryKey', 'List', 'Set' or 'Map' after '${name}'`);
  if (kind !== 'List' && kind !== 'Set' && kind !== 'Map') {
    throw cursor.error(`expected '{', '@PrimaryKey', 'List', 'Set' or 'Map' after '${name}', got '${kind}'`);
  }
  cursor.expect('<', `after '${kind}'`);
  const first = cursor.word('the name of a type');
  if (kind === 'Map') return parseMap(cursor, name, first);
  cursor.expect('>', `after '${first}'`);
  if (kind === 'Set') return parseSet(cursor, name, first);
  cursor.expect(';', `at the end of '${name}'`);
  return { kind: 'LIST', name, elementType: first };
}

function parseObject(cursor: Cursor, name: string): ObjectSchema {
  const primaryKey = parseKey(cursor, 'PrimaryKey');
  cursor.expect('{', `before the fields of '${name}'`);
  const fields: Field[] = [];
  while (!cursor.take('}')) {
    const type = cursor.word(`a field of '${name}' or '}'`);
    const fieldName = cursor.word('the name of a field');
    cursor.expect(';', `after the field '${fieldName}'`);
    const kind = kindOfKeyword.get(type);
    fields.push(
      kind === undefined
        ? { name: fieldName, kind: 'REFERENCE', referencedType: type }
        : { name: fieldName, kind, referencedType: null },
    );
  }
  return { kind: 'OBJECT', name, fields, primaryKey };
}

function parseSet(cursor: Cursor, name: string, elementType: string): SetSchema {
  const hashKey = parseKey(cursor, 'HashKey');
  cursor.expect(';', `at the end of '${name}'`);
  return { kind: 'SET', name, elementType, hashKey };
}

function parseMap(cursor: Cursor, name: string, keyType: string): MapSchema {
  cursor.expect(',', `after '${keyType}'`);
  const valueType = cursor.word('the name of a type');
  cursor.expect('>', `after '${valueType}'`);
  const hashKey = parseKey(cursor, 'HashKey');
  cursor.expect(';', `at the end of '${name}'`);
  return { kind: 'MAP', name, keyType, valueType, hashKey };
}

/** `@Name(path, …)` if one comes next; an empty list is no key, as in Hollow. */
function parseKey(cursor: Cursor, annotation: 'PrimaryKey' | 'HashKey'): readonly string[] {
  if (!cursor.take('@')) return [];
  const found = cursor.word(`'${annotation}'`);
  if (found !== annotation) throw cursor.error(`expected '@${annotation}', got '@${found}'`);
  cursor.expect('(', `after '@${annotation}'`);
  if (cursor.take(')')) return [];
  const paths: string[] = [];
  do {
    const path = cursor.word('a field path');
    paths.push(cursor.take('!') ? `${path}!` : path);
  } while (cursor.take(','));
  cursor.expect(')', `at the end of '@${annotation}'`);
  return paths;
}

/** Exactly Hollow's own text of one schema, which goes into its schema hash: do not beautify. */
export function printSchema(schema: Schema): string {
  switch (schema.kind) {
    case 'OBJECT': {
      const fields = schema.fields.map(
        (field) => `\t${field.referencedType ?? field.kind.toLowerCase()} ${field.name};\n`,
      );
      return `${schema.name}${printKey('PrimaryKey', schema.primaryKey)} {\n${fields.join('')}}`;
    }
    case 'LIST':
      return `${schema.name} List<${schema.elementType}>;`;
    case 'SET':
      return `${schema.name} Set<${schema.elementType}>${printKey('HashKey', schema.hashKey)};`;
    case 'MAP':
      return `${schema.name} Map<${schema.keyType},${schema.valueType}>${printKey('HashKey', schema.hashKey)};`;
  }
}

function printKey(annotation: string, paths: readonly string[]): string {
  return paths.length === 0 ? '' : ` @${annotation}(${paths.join(', ')})`;
}

/** Schemas in the given order, one after the other on lines of their own. */
export function printSchemas(schemas: Iterable<Schema>): string {
  return Array.from(schemas, (schema) => `${printSchema(schema)}\n`).join('');
}
