/**
 * The types that producers keep beside the user's, in an optional blob part that ordinary consumers never fetch. They
 * are types like any other, so they are atomic with the data:
 *
 *   OrderStampOfX          for each keyed type X: the key, the stamp of the last upsert or delete, the newer patches
 *   OperationLedgerEntry   one operation that must not happen twice, and what came of it (ledger.ts)
 *   SenderProgress         of each source, how many of its messages are done (plan-progress.ts)
 *   PurgeWatermark         how far the past has been forgotten (purge.ts); at most one record
 */
import { DatasetError } from '../errors.ts';
import { DatasetSchema } from '../schema/dataset-schema.ts';
import type { Field, ObjectSchema } from '../schema/schema.ts';

const stampTypePrefix = 'OrderStampOf';

/** Sources of stamps, shared by the records that have the same one. */
const sourceType: ObjectSchema = {
  kind: 'OBJECT',
  name: 'OrderSource',
  fields: [{ name: 'value', kind: 'STRING', referencedType: null }],
  primaryKey: [],
};

export const ledgerType = 'OperationLedgerEntry';
export const watermarkType = 'PurgeWatermark';
export const progressType = 'SenderProgress';
/** Key of the one record of {@link watermarkType}. */
export const watermarkKey = 0;

/** Types and keys that operations were for, shared by the entries that have the same one. */
const targetType: ObjectSchema = {
  kind: 'OBJECT',
  name: 'OperationLedgerTarget',
  fields: [{ name: 'value', kind: 'STRING', referencedType: null }],
  primaryKey: [],
};

const otherTypes: readonly ObjectSchema[] = [
  sourceType,
  {
    kind: 'OBJECT',
    name: ledgerType,
    fields: [
      { name: 'opId', kind: 'STRING', referencedType: null },
      { name: 'timestamp', kind: 'LONG', referencedType: null },
      { name: 'source', kind: 'REFERENCE', referencedType: sourceType.name },
      { name: 'sequence', kind: 'LONG', referencedType: null },
      { name: 'target', kind: 'REFERENCE', referencedType: targetType.name },
      // JSON `{field: amount}` of an increment; null: a conditional operation, or a failed one.
      { name: 'amounts', kind: 'STRING', referencedType: null },
      // Why nothing was done; null: it was.
      { name: 'failure', kind: 'STRING', referencedType: null },
    ],
    primaryKey: ['opId'],
  },
  targetType,
  {
    kind: 'OBJECT',
    name: watermarkType,
    fields: [
      { name: 'id', kind: 'INT', referencedType: null },
      { name: 'timestamp', kind: 'LONG', referencedType: null },
    ],
    primaryKey: ['id'],
  },
  {
    kind: 'OBJECT',
    name: progressType,
    fields: [
      { name: 'source', kind: 'STRING', referencedType: null },
      { name: 'sequence', kind: 'LONG', referencedType: null },
      // JSON list of [from, to] above the sequence; null: there are none.
      { name: 'ahead', kind: 'STRING', referencedType: null },
      { name: 'sentAtMs', kind: 'LONG', referencedType: null },
    ],
    primaryKey: ['source'],
  },
];

const otherNames: ReadonlySet<string> = new Set(otherTypes.map(({ name }) => name));

/** The bookkeeping type of a keyed type. */
export function stampTypeOf(type: string): string {
  return stampTypePrefix + type;
}

export function isStampType(type: string): boolean {
  return type.startsWith(stampTypePrefix);
}

export function isBookkeepingType(type: string): boolean {
  return otherNames.has(type) || isStampType(type);
}

/**
 * The user's schema with the bookkeeping types, which come last in blob order.
 *
 * @throws DatasetError `invalid`: no type has a primary key, a name is reserved, or a key is an ordinal (`path!`)
 */
export function withBookkeeping(schema: DatasetSchema): DatasetSchema {
  const reserved = schema.schemas.find(({ name }) => isBookkeepingType(name));
  if (reserved !== undefined) {
    throw invalid(`the name '${reserved.name}' is reserved for bookkeeping`, reserved.name);
  }
  if (schema.keyedTypes.length === 0) {
    throw invalid('a dataset needs a type with a primary key: mutations find records by it', '');
  }
  const stampTypes = schema.keyedTypes.map((type) => stampTypeSchema(schema, type));
  return DatasetSchema.of([...schema.inBlobOrder, ...stampTypes, ...otherTypes]);
}

/** The opposite of {@link withBookkeeping}. */
export function userSchemaOf(schema: DatasetSchema): DatasetSchema {
  return DatasetSchema.of(schema.inBlobOrder.filter(({ name }) => !isBookkeepingType(name)));
}

/** Names of the types of the bookkeeping part, in blob order. `schema` comes from {@link withBookkeeping}. */
export function bookkeepingTypesOf(schema: DatasetSchema): readonly string[] {
  return schema.inBlobOrder.map(({ name }) => name).filter(isBookkeepingType);
}

function stampTypeSchema(schema: DatasetSchema, type: string): ObjectSchema {
  const keyFields = schema.keyPaths(type).map(({ path, leafKind }, i): Field => {
    if (leafKind === 'REFERENCE') {
      throw invalid(`the key path '${path}' of '${type}' is an ordinal: no mutation can name it`, type);
    }
    return { name: `key${i}`, kind: leafKind, referencedType: null };
  });
  return {
    kind: 'OBJECT',
    name: stampTypeOf(type),
    fields: [
      ...keyFields,
      // Null timestamp, source and sequence: only patches were seen yet.
      { name: 'timestamp', kind: 'LONG', referencedType: null },
      { name: 'source', kind: 'REFERENCE', referencedType: sourceType.name },
      { name: 'sequence', kind: 'LONG', referencedType: null },
      { name: 'deleted', kind: 'BOOLEAN', referencedType: null },
      { name: 'patches', kind: 'STRING', referencedType: null },
    ],
    primaryKey: keyFields.map(({ name }) => name),
  };
}

function invalid(problem: string, type: string): DatasetError {
  return new DatasetError('invalid', `schema: ${problem}`, { type });
}
