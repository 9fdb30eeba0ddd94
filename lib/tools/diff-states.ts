import type { KeyPath } from '../schema/dataset-schema.ts';
import { printSchema } from '../schema/dsl.ts';
import type { ReadState } from '../state/read-state.ts';
import { CommonRecords } from './common-records.ts';
import { RecordTexts } from './record-texts.ts';

/** How two states differ in one type. */
export interface TypeDifference {
  readonly type: string;
  /** In Hollow's text form, where they differ; null: the state does not have the type. */
  readonly schemas: { readonly before: string | null; readonly after: string | null } | null;
  /** Records that only one of them has, by primary key, or by all of their content if there is none. */
  readonly removed: readonly string[];
  readonly added: readonly string[];
  /** Only types with a primary key have them. */
  readonly changed: readonly RecordDifference[];
}

export interface RecordDifference {
  /** As a JSON array of the key's parts. */
  readonly key: string;
  readonly fields: readonly { readonly name: string; readonly before: string; readonly after: string }[];
}

/**
 * What a reader would see differently, type by type: ordinals, shards and the order of sets do not count. Types without
 * a difference are left out. Records of one chain that did not change are told by their bytes; texts are kept of all others: for
 * inspection, not for the data path.
 *
 * @param onRecord is called for each record of both
 */
export function diffStates(
  before: ReadState,
  after: ReadState,
  onRecord: () => void = () => undefined,
): readonly TypeDifference[] {
  const comparison = {
    texts: { before: new RecordTexts(before), after: new RecordTexts(after) },
    common: new CommonRecords(before, after),
    onRecord,
  };
  const types = [...new Set([...before.typeNames, ...after.typeNames])].toSorted();
  return types
    .map((type) => diffType(type, { before, after }, comparison))
    .filter(({ schemas, removed, added, changed }) => {
      return schemas !== null || removed.length + added.length + changed.length > 0;
    });
}

interface Pair<T> {
  readonly before: T;
  readonly after: T;
}

/** What is found out about two states. */
interface Comparison {
  readonly texts: Pair<RecordTexts>;
  readonly common: CommonRecords;
  readonly onRecord: () => void;
}

function diffType(type: string, states: Pair<ReadState>, comparison: Comparison): TypeDifference {
  const { texts } = comparison;
  const text = (state: ReadState): string | null => {
    const schema = state.schema.find(type);
    return schema === undefined ? null : printSchema(schema);
  };
  const schemas = { before: text(states.before), after: text(states.after) };
  const base = { type, schemas: schemas.before === schemas.after ? null : schemas };
  const keys = { before: keyNames(states.before, type), after: keyNames(states.after, type) };
  if (keys.before !== '' && keys.before === keys.after) return { ...base, ...diffKeyed(type, comparison) };
  const contents = {
    before: contentsOf(texts.before, type, comparison),
    after: contentsOf(texts.after, type, comparison),
  };
  return {
    ...base,
    removed: [...contents.before].filter((content) => !contents.after.has(content)),
    added: [...contents.after].filter((content) => !contents.before.has(content)),
    changed: [],
  };
}

/** The paths of the primary key; empty: there is none, or no such type. */
function keyNames(state: ReadState, type: string): string {
  const schema = state.schema.find(type);
  return schema?.kind === 'OBJECT' ? schema.primaryKey.join(',') : '';
}

/** Of the records that are not common. */
function contentsOf(texts: RecordTexts, type: string, { common, onRecord }: Comparison): ReadonlySet<string> {
  const contents = new Set<string>();
  if (texts.state.schema.find(type) === undefined) return contents;
  const records = texts.state.type(type);
  for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1)) {
    onRecord();
    if (!common.has(type, o)) contents.add(texts.textOf(type, o));
  }
  return contents;
}

function diffKeyed(type: string, comparison: Comparison) {
  const { texts } = comparison;
  const old = ordinalsByKey(texts.before, type, comparison);
  const now = ordinalsByKey(texts.after, type, comparison);
  const removed: string[] = [];
  const changed: RecordDifference[] = [];
  for (const [key, before] of old) {
    const after = now.get(key);
    if (after === undefined) {
      removed.push(key);
    } else if (texts.before.textOf(type, before) !== texts.after.textOf(type, after)) {
      const fields = differingFields(
        fieldTexts(texts.before, type, before),
        fieldTexts(texts.after, type, after),
      );
      // None, where all that came or went are fields that are null.
      if (fields.length > 0) changed.push({ key, fields });
    }
  }
  return { removed, added: [...now.keys()].filter((key) => !old.has(key)), changed };
}

/** Of the records that are not common, by the key as a JSON array. */
function ordinalsByKey(
  texts: RecordTexts,
  type: string,
  { common, onRecord }: Comparison,
): ReadonlyMap<string, number> {
  const ordinals = new Map<string, number>();
  const records = texts.state.type(type);
  const paths = texts.state.schema.keyPaths(type);
  for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1)) {
    onRecord();
    if (common.has(type, o)) continue;
    ordinals.set(`[${paths.map((path) => keyPartText(texts, path, o)).join(',')}]`, o);
  }
  return ordinals;
}

function keyPartText(texts: RecordTexts, path: KeyPath, ordinal: number): string {
  const { state } = texts;
  let at = ordinal;
  for (const [i, step] of path.steps.entries()) {
    at = state.objectType(path.types[i] ?? '').readReference(at, step);
    if (at < 0) return 'null';
  }
  return texts.fieldText(state.objectType(path.types.at(-1) ?? ''), at, path.leafField);
}

function fieldTexts(texts: RecordTexts, type: string, ordinal: number): ReadonlyMap<string, string> {
  const records = texts.state.objectType(type);
  return new Map(records.schema.fields.map(({ name }, i) => [name, texts.fieldText(records, ordinal, i)]));
}

/** A field that only one of them has is null in the other. */
function differingFields(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): RecordDifference['fields'] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((name) => ({ name, before: before.get(name) ?? 'null', after: after.get(name) ?? 'null' }))
    .filter((field) => field.before !== field.after);
}
