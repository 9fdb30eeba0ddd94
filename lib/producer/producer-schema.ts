import { ByteWriter } from '../bytes/byte-writer.ts';
import { murmur3 } from '../bytes/hash.ts';
import { bookkeepingPart } from '../consumer/loaded-version.ts';
import { canonicalText, type DatasetSchema, schemaIdOf } from '../schema/dataset-schema.ts';
import { bookkeepingTypesOf, withBookkeeping } from './bookkeeping-schema.ts';

/** What a producer needs to know of its users' schema. */
interface ProducerSchema {
  /** With the bookkeeping types. */
  readonly schema: DatasetSchema;
  /** Of the users' schema, as the next two. */
  readonly schemaId: string;
  /** Hollow's header tag `hollow.schema.hash`. */
  readonly schemaHash: string;
  /** The types of each optional part. */
  readonly parts: ReadonlyMap<string, readonly string[]>;
}

/** A process has one producer for each partition, and for each batch that starts cold: they share this. */
const known = new WeakMap<DatasetSchema, ProducerSchema>();

/**
 * @param schema the users'
 * @throws DatasetError `invalid` as {@link withBookkeeping}
 */
export function producerSchemaOf(schema: DatasetSchema): ProducerSchema {
  let made = known.get(schema);
  if (made === undefined) {
    const whole = withBookkeeping(schema);
    const parts = new Map([[bookkeepingPart, bookkeepingTypesOf(whole)]]);
    made = { schema: whole, schemaId: schemaIdOf(schema), schemaHash: schemaHashOf(schema), parts };
    known.set(schema, made);
  }
  return made;
}

/** Of the user's types only, as Java readers know no others. */
function schemaHashOf(schema: DatasetSchema): string {
  const text = canonicalText(schema);
  const out = new ByteWriter();
  for (let i = 0; i < text.length; i++) out.writeVarInt(text.charCodeAt(i));
  return String(murmur3(out.bytes, 0, out.position) | 0);
}
