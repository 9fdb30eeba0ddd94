import { DatasetError } from '../errors.ts';
import type { DatasetSchema } from '../schema/dataset-schema.ts';
import type { ObjectTypeState } from './object-type-state.ts';
import type { StringCache } from './string-cache.ts';
import { emptyTypeState, type TypeState } from './type-state.ts';

/** Tag of the state without records, from which a chain starts: Hollow's first snapshots say so. */
export const emptyStateTag = -1n;

/** What the parts of a read state are. */
export interface ReadStateParts {
  readonly schema: DatasetSchema;
  readonly tag: bigint;
  readonly originTag: bigint;
  readonly headerTags: ReadonlyMap<string, string>;
  readonly types: ReadonlyMap<string, TypeState>;
}

/**
 * All records of a dataset at one version. Immutable: applyDelta makes a new one that shares memory with this one,
 * which stays readable and unchanged for as long as somebody holds it.
 */
export class ReadState {
  readonly schema: DatasetSchema;
  /** The random name that the format gives this state. */
  readonly tag: bigint;
  /** Tag of the state before. */
  readonly originTag: bigint;
  readonly headerTags: ReadonlyMap<string, string>;
  readonly typeNames: readonly string[];
  readonly #types: ReadonlyMap<string, TypeState>;

  constructor(parts: ReadStateParts) {
    this.schema = parts.schema;
    this.tag = parts.tag;
    this.originTag = parts.originTag;
    this.headerTags = parts.headerTags;
    this.#types = parts.types;
    this.typeNames = Object.freeze([...parts.types.keys()]);
  }

  /** The state without records, from which a chain starts. */
  static empty(schema: DatasetSchema): ReadState {
    const types = new Map(schema.schemas.map((type) => [type.name, emptyTypeState(type)]));
    return new ReadState({
      schema,
      tag: emptyStateTag,
      originTag: emptyStateTag,
      headerTags: new Map(),
      types,
    });
  }

  /** The same records; strings are looked for in `strings` before they are built, here and in the states that follow. */
  withStringCache(strings: StringCache): ReadState {
    const types = new Map<string, TypeState>();
    for (const [name, type] of this.#types) {
      types.set(name, type.kind === 'OBJECT' ? type.withStringCache(strings) : type);
    }
    const { schema, tag, originTag, headerTags } = this;
    return new ReadState({ schema, tag, originTag, headerTags, types });
  }

  /** @throws DatasetError `invalid` if there is no such type, or it is not loaded */
  type(name: string): TypeState {
    const type = this.#types.get(name);
    if (type !== undefined) return type;
    // Says why it is not there.
    this.schema.get(name);
    throw new DatasetError('invalid', `there is no type '${name}'`, { type: name });
  }

  /** @throws DatasetError `invalid` if there is no such type or it is a collection */
  objectType(name: string): ObjectTypeState {
    const type = this.type(name);
    if (type.kind === 'OBJECT') return type;
    throw new DatasetError('invalid', `the type '${name}' is a ${type.kind}, not an OBJECT`, { type: name });
  }
}
