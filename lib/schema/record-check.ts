import { limits } from '../limits.ts';
import type { DatasetSchema } from './dataset-schema.ts';
import { FieldOrder } from './field-order.ts';
import { isPlainObject } from './plain-object.ts';
import { boxedField, type FieldKind, type Schema, targetsByPlace } from './schema.ts';

/** What is worked out once for each type. */
interface TypeCheck {
  readonly kind: Schema['kind'];
  /** Of an OBJECT. */
  readonly order: FieldOrder;
  readonly kinds: readonly FieldKind[];
  /** Of an OBJECT: per field, the type it refers to; of a collection: elements, or keys and values. */
  readonly targets: readonly (TypeCheck | null)[];
  /** Of an OBJECT: the fields that are its primary key; null: the key leads through references. */
  readonly keyFields: readonly number[] | null;
  /** Kind of the field whose bare value may stand for the record. */
  readonly boxKind: FieldKind | null;
}

const intMax = 2_147_483_647;

/**
 * Passes what most records are, fast; the rest needs {@link validateRecord}'s closer look. It never passes a value that
 * the closer look would refuse. (Guarded by test/property/record-validation.test.ts, and the write path of test/bench.)
 */
export class RecordCheck {
  readonly #types: ReadonlyMap<string, TypeCheck>;

  constructor(schema: DatasetSchema) {
    // Of a schema that is not whole, keys may lead nowhere: that is for the closer look to say.
    this.#types = schema.leftOut.length > 0 ? new Map() : checksOf(schema);
  }

  /** False: look closer. */
  passes(type: string, value: unknown): boolean {
    const check = this.#types.get(type);
    return check !== undefined && passesType(check, value, 0);
  }
}

function passesType(check: TypeCheck, value: unknown, depth: number): boolean {
  if (depth > limits.jsonDepthMax) return false;
  switch (check.kind) {
    case 'OBJECT':
      return passesObject(check, value, depth);
    case 'MAP':
      return passesMap(check, value, depth);
    default:
      return passesElements(check, value, depth);
  }
}

function passesObject(
  { order, kinds, targets, keyFields }: TypeCheck,
  value: unknown,
  depth: number,
): boolean {
  if (keyFields === null || !isPlainObject(value)) return false;
  const { places, unknownName, names } = order.placesOf(Object.keys(value));
  if (unknownName !== undefined) return false;
  const values = Object.values(value);
  if (values.length !== names.length) return false;
  for (let field = 0; field < kinds.length; field++) {
    const place = places[field] as number;
    const given = place < 0 ? null : values[place];
    if (given === null || given === undefined) continue;
    const target = targets[field] as TypeCheck | null;
    const isGood =
      target === null ? passesValue(kinds[field] as FieldKind, given) : passesReference(target, given, depth);
    if (!isGood) return false;
  }
  for (const field of keyFields) {
    const place = places[field] as number;
    if (place < 0 || values[place] === null || values[place] === undefined) return false;
  }
  return true;
}

function passesReference(target: TypeCheck, value: unknown, depth: number): boolean {
  if (target.boxKind !== null && typeof value !== 'object') return passesValue(target.boxKind, value);
  return passesType(target, value, depth + 1);
}

function passesElements({ targets }: TypeCheck, value: unknown, depth: number): boolean {
  if (!Array.isArray(value)) return false;
  const target = targets[0] as TypeCheck;
  for (let i = 0; i < value.length; i++) if (!passesReference(target, value[i], depth)) return false;
  return true;
}

/** Only of the form that JSON has for keys that are text. */
function passesMap({ targets }: TypeCheck, value: unknown, depth: number): boolean {
  const [keys, target] = targets as readonly [TypeCheck, TypeCheck];
  if (keys.boxKind !== 'STRING' || !isPlainObject(value)) return false;
  const names = Object.keys(value);
  const values = Object.values(value);
  if (names.length !== values.length) return false;
  for (let i = 0; i < names.length; i++) {
    if (names[i] === '__proto__' || !passesValue('STRING', names[i])) return false;
    if (!passesReference(target, values[i], depth)) return false;
  }
  return true;
}

function passesValue(kind: FieldKind, value: unknown): boolean {
  switch (kind) {
    case 'STRING':
      return typeof value === 'string' && value.length <= limits.stringSizeMax;
    case 'INT':
      return typeof value === 'number' && (value | 0) === value && value >= -intMax;
    case 'LONG':
      return typeof value === 'number' && Number.isSafeInteger(value);
    case 'BOOLEAN':
      return typeof value === 'boolean';
    case 'DOUBLE':
      return typeof value === 'number' && Number.isFinite(value);
    case 'FLOAT':
      return typeof value === 'number' && Number.isFinite(Math.fround(value));
    default:
      return false;
  }
}

function checksOf(schema: DatasetSchema): ReadonlyMap<string, TypeCheck> {
  const checks = new Map<string, TypeCheck & { targets: (TypeCheck | null)[] }>();
  for (const type of schema.schemas) {
    const fields = type.kind === 'OBJECT' ? type.fields : [];
    checks.set(type.name, {
      kind: type.kind,
      order: new FieldOrder(fields),
      kinds: fields.map(({ kind }) => kind),
      targets: [],
      keyFields: keyFieldsOf(schema, type),
      boxKind: boxedField(type)?.kind ?? null,
    });
  }
  for (const type of schema.schemas) {
    const targets = checks.get(type.name)?.targets;
    for (const name of targetsByPlace(type)) targets?.push(name === null ? null : (checks.get(name) ?? null));
  }
  return checks;
}

function keyFieldsOf(schema: DatasetSchema, type: Schema): readonly number[] | null {
  if (type.kind !== 'OBJECT' || type.primaryKey.length === 0) return [];
  const paths = schema.keyPaths(type.name);
  return paths.some(({ steps, leafKind }) => steps.length > 0 || leafKind === 'REFERENCE')
    ? null
    : paths.map(({ leafField }) => leafField);
}
