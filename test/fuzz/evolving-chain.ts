/**
 * Random chains whose schema changes on the way: fields come and go. A reader of snapshots sees what was written; one
 * that follows the deltas sees, of the fields it started with, what docs/format.md, "When the data model changes", says.
 */
import { deepStrictEqual } from 'node:assert/strict';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { encodeDelta } from '../../lib/blob/encode-delta.ts';
import { encodeSnapshot } from '../../lib/blob/encode-snapshot.ts';
import { evolveState } from '../../lib/blob/evolve-state.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import { recordObject } from '../../lib/state/plain-record.ts';
import { ReadState } from '../../lib/state/read-state.ts';
import { WriteState } from '../../lib/state/write-state.ts';
import { noParts, noTags } from '../support/writer-model.ts';
import { type Draw, drawOf } from './damage.ts';

const cycleCount = 15;
const idCount = 30;

/** Fields that may be there, each with a value that follows from a number. */
const pool: Readonly<Record<string, { readonly kind: string; readonly valueOf: (n: number) => unknown }>> = {
  i: { kind: 'int', valueOf: (n) => n - 3 },
  l: { kind: 'long', valueOf: (n) => n * 2 ** 40 },
  b: { kind: 'boolean', valueOf: (n) => n % 2 === 0 },
  f: { kind: 'float', valueOf: (n) => n / 2 },
  d: { kind: 'double', valueOf: (n) => n / 3 },
  s: { kind: 'string', valueOf: (n) => 'é'.repeat(n) },
  y: { kind: 'bytes', valueOf: (n) => new Uint8Array(n % 4).fill(n) },
  leaf: { kind: 'Leaf', valueOf: (n) => `leaf ${n}` },
  list: { kind: 'ListOfLeaf', valueOf: (n) => Array.from({ length: n % 4 }, (_, i) => `leaf ${i}`) },
  map: { kind: 'Leaves', valueOf: (n) => (n % 3 === 0 ? [] : [[`leaf ${n}`, 'leaf 0']]) },
};
const fieldNames = Object.keys(pool);

const referenceNames = new Set(['leaf', 'list', 'map']);

type Row = Readonly<Record<string, unknown>> & { readonly id: number };
type Rows = Map<number, Row>;

function schemaOf(fields: ReadonlySet<string>): DatasetSchema {
  const declared = [...fields].map((name) => `${pool[name]?.kind} ${name};`).join(' ');
  return DatasetSchema.of(
    parseSchemas(`
      Row @PrimaryKey(id) { int id; ${declared} }
      Leaf { string value; }
      ListOfLeaf List<Leaf>;
      Leaves Map<Leaf,Leaf> @HashKey(value);
    `),
  );
}

function rowOf(id: number, fields: ReadonlySet<string>, draw: Draw): Row {
  const values = [...fields].map((name) => [
    name,
    draw.below(5) === 0 ? null : pool[name]?.valueOf(draw.below(8)),
  ]);
  return { id, ...Object.fromEntries(values) };
}

/** The row with these fields only; null where it has none. */
function projected(row: Row, fields: Iterable<string>): Row {
  return { id: row.id, ...Object.fromEntries([...fields].map((name) => [name, row[name] ?? null])) };
}

function projectedAll(rows: Rows, fields: ReadonlySet<string>): Rows {
  return new Map(Array.from(rows, ([id, row]) => [id, projected(row, fields)]));
}

function rowsOf(state: ReadState): Rows {
  const rows: Rows = new Map();
  const records = state.objectType('Row');
  for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1)) {
    rows.set(records.readInt(o, 0), recordObject(state, 'Row', o) as Row);
  }
  return rows;
}

function ordinalsOf(state: ReadState): Map<number, number> {
  const ordinals = new Map<number, number>();
  const records = state.objectType('Row');
  for (let o = records.nextPopulated(0); o >= 0; o = records.nextPopulated(o + 1))
    ordinals.set(records.readInt(o, 0), o);
  return ordinals;
}

/** One chain; throws where a reader sees something else than it should. */
export function runEvolvingChain(seed: number): void {
  const draw = drawOf(seed);
  let fields: ReadonlySet<string> = new Set(fieldNames.filter(() => draw.below(2) === 0));
  const firstFields = fields;
  let state = ReadState.empty(schemaOf(fields));
  let writer = WriteState.restore(state);
  const model: Rows = new Map();
  const follower = { state, rows: new Map() as Rows };
  // What old records refer to is gone, or another record, once the producer knows the field no more.
  const compared = new Set(firstFields);
  for (let cycle = 1; cycle <= cycleCount; cycle++) {
    if (draw.below(4) === 0) {
      const flipped = draw.of(fieldNames);
      fields = new Set(fieldNames.filter((name) => fields.has(name) !== (name === flipped)));
      if (referenceNames.has(flipped)) compared.delete(flipped);
      state = evolveState(state, schemaOf(fields));
      writer = WriteState.restore(state);
      for (const [id, row] of model) model.set(id, projected(row, fields));
    }
    const next = writer.begin();
    const ordinals = ordinalsOf(state);
    for (const id of new Set(Array.from({ length: draw.below(8) }, () => draw.below(idCount)))) {
      const before = ordinals.get(id) ?? -1;
      const row = draw.below(4) === 0 ? null : rowOf(id, fields, draw);
      const after = row === null ? -1 : next.add('Row', row);
      if (before >= 0 && before !== after) next.remove('Row', before);
      if (row === null) model.delete(id);
      else model.set(id, row);
      // What is written again with the same content keeps its ordinal: those who follow hear nothing of it.
      if (row === null) follower.rows.delete(id);
      else if (before !== after) follower.rows.set(id, projected(projected(row, fields), firstFields));
    }
    const tag = BigInt(cycle);
    const delta = encodeDelta(next.transition(), { tag, headerTags: noTags, parts: noParts });
    const applied = applyDelta(state, delta.main);
    writer.advance(applied.state, applied.changes);
    ({ state } = applied);
    follower.state = applyDelta(follower.state, delta.main).state;
    deepStrictEqual(rowsOf(state), model);
    deepStrictEqual(rowsOf(decodeSnapshot(encodeSnapshot(state, { parts: noParts }).main)), rowsOf(state));
    deepStrictEqual(projectedAll(rowsOf(follower.state), compared), projectedAll(follower.rows, compared));
  }
}
