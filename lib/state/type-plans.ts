import { FieldOrder } from '../schema/field-order.ts';
import { boxedField, type Schema, targetsByPlace } from '../schema/schema.ts';
import { kindCodes } from './packed-field.ts';

/** How records of one type are written. */
export interface TypePlan {
  readonly schema: Schema;
  /** Of an OBJECT's fields: kindCodes. */
  readonly kinds: Uint8Array;
  /** Of an OBJECT: how its fields are found in a value. */
  readonly order: FieldOrder;
  /** Of an OBJECT: the fields that are references, in order. */
  readonly references: Int32Array;
  /** Positions of the types that it refers to. OBJECT: one per field, -1 for a value; LIST, SET: elements; MAP: keys, values. */
  readonly targets: Int32Array;
  /** Kind code of the field whose bare value may stand for the record; -1: there is none. */
  readonly boxKind: number;
}

/** The plans of some types: each is worked out at the type's first record, for all cycles of a producer. */
export class TypePlans {
  readonly #schemas: readonly Schema[];
  readonly #positions: ReadonlyMap<string, number>;
  readonly #plans: (TypePlan | undefined)[];

  /** @param schemas by position */
  constructor(schemas: readonly Schema[]) {
    this.#schemas = schemas;
    this.#positions = new Map(schemas.map((schema, position) => [schema.name, position]));
    this.#plans = schemas.map(() => undefined);
  }

  of(type: number): TypePlan {
    const known = this.#plans[type];
    if (known !== undefined) return known;
    const plan = this.#planOf(this.#schemas[type] as Schema);
    this.#plans[type] = plan;
    return plan;
  }

  #planOf(schema: Schema): TypePlan {
    const fields = schema.kind === 'OBJECT' ? schema.fields : [];
    const kinds = Uint8Array.from(fields, ({ kind }) => kindCodes[kind]);
    const box = boxedField(schema);
    return {
      schema,
      kinds,
      order: new FieldOrder(fields),
      references: Int32Array.from(kinds.keys()).filter((field) => kinds[field] === kindCodes.REFERENCE),
      targets: Int32Array.from(targetsByPlace(schema), (name) =>
        name === null ? -1 : (this.#positions.get(name) as number),
      ),
      boxKind: box === null ? -1 : kindCodes[box.kind],
    };
  }
}
