import { ByteWriter } from '../bytes/byte-writer.ts';
import { DatasetError } from '../errors.ts';
import type { DatasetSchema } from '../schema/dataset-schema.ts';
import { printSchema } from '../schema/dsl.ts';
import type { FieldKind, ObjectSchema, Schema } from '../schema/schema.ts';
import { HashKeys } from '../state/hash-keys.ts';
import { kindCodes } from '../state/packed-field.ts';
import type { ReadState } from '../state/read-state.ts';
import { RecordCursor } from '../state/record-cursor.ts';
import type { StoredRecords } from '../state/stored-records.ts';
import { emptyTypeState } from '../state/type-state.ts';
import { writeValue } from '../state/value-writer.ts';
import { assembleBlob, type BlobSection } from './blob-parts.ts';
import { decodeSnapshot } from './decode-snapshot.ts';
import { writeSnapshotSection } from './encode-section.ts';
import { statisticsOf } from './encode-snapshot.ts';
import { recordsOfState } from './snapshot-records.ts';

/**
 * A state under another schema, for a producer that continues a chain with a changed data model. Records keep their
 * ordinals; new fields are null in them, fields and types that are gone are dropped, new types are empty. Costs a pass
 * over all records.
 *
 * Records that are added again with a value for a new field get a new ordinal, so readers that follow deltas see them
 * change. (A Java producer would keep the ordinal, and only readers of snapshots would see the new value.) Of a type
 * that is gone, those readers keep the last records for ever: they need a snapshot.
 *
 * @throws DatasetError `incompatible`: a field changes its kind or the type it refers to, a collection its elements
 *   or hash key, or a type its kind
 */
export function evolveState(state: ReadState, schema: DatasetSchema): ReadState {
  const types = new Map(schema.inBlobOrder.map((type) => [type.name, evolvedRecords(state, type)]));
  const hashKeys = new HashKeys(schema, (type, ordinal, out) => types.get(type)?.writeRecord(ordinal, out));
  const sections = schema.inBlobOrder.map((type): BlobSection => {
    const records = types.get(type.name) as StoredRecords;
    const statistics = statisticsOf(type, records);
    const section = { schema: type, records: recordsOfState(records), statistics, hashKeys };
    return { schema: type, write: (out) => writeSnapshotSection(section, out) };
  });
  const { originTag, tag, headerTags } = state;
  const header = { originTag, tag, headerTags };
  return decodeSnapshot(assembleBlob(header, sections, { schema, parts: new Map() }).main);
}

function evolvedRecords(state: ReadState, schema: Schema): StoredRecords {
  const before = state.schema.find(schema.name);
  if (before === undefined) return emptyTypeState(schema);
  const records: StoredRecords = state.type(schema.name);
  if (printSchema(before) === printSchema(schema)) return records;
  if (before.kind !== 'OBJECT' || schema.kind !== 'OBJECT')
    throw incompatible(schema.name, 'a collection changes');
  return new EvolvedRecords(records, before, schema);
}

/** Records of an OBJECT type as if they had been written with another schema. */
class EvolvedRecords implements StoredRecords {
  readonly #records: StoredRecords;
  readonly #kindsBefore: readonly FieldKind[];
  readonly #fields: readonly { readonly kind: FieldKind; readonly before: number }[];
  readonly #scratch = new ByteWriter();
  readonly #starts: number[] = [];

  constructor(records: StoredRecords, before: ObjectSchema, after: ObjectSchema) {
    this.#records = records;
    this.#kindsBefore = before.fields.map((field) => field.kind);
    this.#fields = after.fields.map(({ name, kind, referencedType }) => {
      const index = before.fields.findIndex((field) => field.name === name);
      const old = before.fields[index];
      if (old !== undefined && (old.kind !== kind || old.referencedType !== referencedType)) {
        throw incompatible(after.name, `the field '${name}' changes from ${old.kind} to ${kind}`);
      }
      return { kind, before: index };
    });
  }

  get shardCount(): number {
    return this.#records.shardCount;
  }

  isPopulated(ordinal: number): boolean {
    return this.#records.isPopulated(ordinal);
  }

  nextPopulated(from: number): number {
    return this.#records.nextPopulated(from);
  }

  populatedWords(): Uint32Array {
    return this.#records.populatedWords();
  }

  writeRecord(ordinal: number, out: ByteWriter): void {
    const scratch = this.#scratch;
    const starts = this.#starts;
    scratch.reset();
    this.#records.writeRecord(ordinal, scratch);
    const cursor = new RecordCursor();
    cursor.open(scratch.bytes, 0);
    this.#kindsBefore.forEach((kind, i) => {
      starts[i] = cursor.position;
      cursor.skipField(kind);
    });
    starts[this.#kindsBefore.length] = cursor.position;
    for (const { kind, before } of this.#fields) {
      if (before < 0) writeValue(kindCodes[kind], null, out);
      else out.writeBytes(scratch.bytes, starts[before], starts[before + 1]);
    }
  }
}

function incompatible(type: string, problem: string): DatasetError {
  return new DatasetError('incompatible', `${type}: ${problem}; give it another name`, { type });
}
