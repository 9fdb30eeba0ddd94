import { DatasetError } from '../errors.ts';
import type { DatasetSchema } from '../schema/dataset-schema.ts';
import type { ReaderSchema } from '../schema/reader-schema.ts';
import { boxedField, type Field } from '../schema/schema.ts';
import { type ValueReader, valueReader } from './record-value.ts';

/** One field of a record as a reader sees it. */
export interface ReaderField {
  readonly name: string;
  /** Position among the fields of the records in the state. */
  readonly index: number;
  /** What a reference leads to; null for a value. */
  readonly referencedType: string | null;
  /** Of a value; of a reference, its ordinal. */
  readonly read: ValueReader;
}

/**
 * Which fields of the records in a state a reader sees, and how: its own schema may know fewer fields than the state,
 * in another order, and have forms for some of them. Worked out once for each type.
 */
export class RecordLayout {
  readonly #stored: DatasetSchema;
  readonly #reader: ReaderSchema;
  readonly #fields = new Map<string, readonly ReaderField[]>();
  readonly #boxes = new Map<string, ReaderField | null>();

  constructor(stored: DatasetSchema, reader: ReaderSchema) {
    this.#stored = stored;
    this.#reader = reader;
  }

  /**
   * In the reader's order.
   *
   * @throws DatasetError `invalid` if there is no such OBJECT type
   */
  fieldsOf(type: string): readonly ReaderField[] {
    let fields = this.#fields.get(type);
    if (fields === undefined) {
      fields = this.#reader.schema.getObject(type).fields.map((field) => this.#layoutOf(type, field));
      this.#fields.set(type, fields);
    }
    return fields;
  }

  /**
   * The only field of a type that stands for its value (Hollow's `String { string value; }`), else null: a record of
   * such a type reads as the bare value wherever it is referred to.
   */
  boxOf(type: string): ReaderField | null {
    let box = this.#boxes.get(type);
    if (box === undefined) {
      const field = boxedField(this.#reader.schema.get(type));
      box = field === null ? null : this.#layoutOf(type, field);
      this.#boxes.set(type, box);
    }
    return box;
  }

  #layoutOf(type: string, { name, kind, referencedType }: Field): ReaderField {
    const index = this.#stored.getObject(type).fields.findIndex((field) => field.name === name);
    if (index === -1) throw new DatasetError('invalid', `'${type}' has no field '${name}'`, { type });
    const form = this.#reader.forms.get(type)?.get(name) ?? null;
    const read = valueReader(kind, index, form === null ? null : { form, name: `${type}.${name}` });
    return { name, index, referencedType, read };
  }
}

const layouts = new WeakMap<DatasetSchema, WeakMap<object, RecordLayout>>();

/** @param reader null: everything there is in the state, as it is */
export function recordLayout(stored: DatasetSchema, reader: ReaderSchema | null): RecordLayout {
  let ofSchema = layouts.get(stored);
  if (ofSchema === undefined) {
    ofSchema = new WeakMap();
    layouts.set(stored, ofSchema);
  }
  const known = ofSchema.get(reader ?? stored);
  if (known !== undefined) return known;
  const layout = new RecordLayout(stored, reader ?? { schema: stored, forms: new Map() });
  ofSchema.set(reader ?? stored, layout);
  return layout;
}
