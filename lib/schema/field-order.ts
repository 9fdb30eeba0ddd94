import type { Field } from './schema.ts';

/** In which order an object lists a type's fields. */
export interface FieldPlaces {
  /** As `Object.keys` gives them. */
  readonly names: readonly string[];
  /** By field: its place among the names; -1: absent. */
  readonly places: Int32Array;
  /** A name that is no field's; undefined: there is none. */
  readonly unknownName: string | undefined;
}

/**
 * Finds a type's fields in plain objects. Records of one source list their fields in one order: what was worked out
 * for the last object holds for the next one, once its names were compared. Guarded by the write path of test/bench.
 */
export class FieldOrder {
  readonly #indexes: ReadonlyMap<string, number>;
  #last: FieldPlaces = { names: [], places: new Int32Array(0), unknownName: undefined };

  constructor(fields: readonly Field[]) {
    this.#indexes = new Map(fields.map(({ name }, index) => [name, index]));
    this.#last = this.#workOut([]);
  }

  /** @param names of the object's own enumerable properties, in its order */
  placesOf(names: readonly string[]): FieldPlaces {
    const last = this.#last;
    if (isEqual(names, last.names)) return last;
    this.#last = this.#workOut(names);
    return this.#last;
  }

  #workOut(names: readonly string[]): FieldPlaces {
    const places = new Int32Array(this.#indexes.size).fill(-1);
    let unknownName: string | undefined;
    for (const [place, name] of names.entries()) {
      const index = this.#indexes.get(name);
      if (index === undefined) unknownName ??= name;
      else places[index] = place;
    }
    return { names, places, unknownName };
  }
}

function isEqual(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
