import type { SharedArena } from '../bytes/shared-arena.ts';
import { DatasetSchema } from '../schema/dataset-schema.ts';
import type { ListSchema, MapSchema, ObjectSchema, Schema, SetSchema } from '../schema/schema.ts';
import type { SharedCollectionLayer } from './collection-layer.ts';
import { ListTypeState } from './list-type-state.ts';
import { MapTypeState } from './map-type-state.ts';
import type { SharedObjectLayer } from './object-layer.ts';
import { ObjectTypeState } from './object-type-state.ts';
import { ReadState } from './read-state.ts';
import type { SharedTable } from './record-table.ts';
import { SetTypeState } from './set-type-state.ts';
import type { TypeState } from './type-state.ts';

/** One type on its way to another thread. */
type SharedType =
  | {
      readonly schema: ObjectSchema;
      readonly shardCount: number;
      readonly objects: SharedTable<SharedObjectLayer>;
    }
  | {
      readonly schema: ListSchema | SetSchema | MapSchema;
      readonly shardCount: number;
      readonly collections: SharedTable<SharedCollectionLayer>;
    };

/** A {@link ReadState} as messages between threads can carry it: its records lie in shared memory and are not copied. */
export interface SharedReadState {
  readonly storedSchemas: readonly Schema[];
  readonly types: readonly SharedType[];
  readonly tag: bigint;
  readonly originTag: bigint;
  readonly headerTags: ReadonlyMap<string, string>;
}

export function shareReadState(state: ReadState, arena: SharedArena): SharedReadState {
  const { schema, tag, originTag, headerTags } = state;
  // As the schema has them: the order of the types in blobs.
  const types = schema.inBlobOrder.map(({ name }) => shareType(state.type(name), arena));
  return { storedSchemas: schema.stored, types, tag, originTag, headerTags };
}

function shareType(type: TypeState, arena: SharedArena): SharedType {
  const { shardCount } = type;
  return type.kind === 'OBJECT'
    ? { schema: type.schema, shardCount, objects: type.share(arena) }
    : { schema: type.schema, shardCount, collections: type.share(arena) };
}

/** @param known the schema, where it is there already */
export function openReadState(shared: SharedReadState, known: DatasetSchema | null = null): ReadState {
  const { storedSchemas, tag, originTag, headerTags } = shared;
  const schemas = shared.types.map((type) => type.schema);
  const types = new Map(shared.types.map((type) => [type.schema.name, openType(type)]));
  const schema = known ?? DatasetSchema.loaded(storedSchemas, schemas);
  return new ReadState({ schema, tag, originTag, headerTags, types });
}

function openType(type: SharedType): TypeState {
  const { shardCount } = type;
  if ('objects' in type) return ObjectTypeState.open(type.schema, shardCount, type.objects);
  switch (type.schema.kind) {
    case 'LIST':
      return ListTypeState.open(type.schema, shardCount, type.collections);
    case 'SET':
      return SetTypeState.open(type.schema, shardCount, type.collections);
    case 'MAP':
      return MapTypeState.open(type.schema, shardCount, type.collections);
  }
}
