import type { Schema } from '../schema/schema.ts';
import { ListTypeState } from './list-type-state.ts';
import { MapTypeState } from './map-type-state.ts';
import { ObjectTypeState } from './object-type-state.ts';
import { SetTypeState } from './set-type-state.ts';

/** The records of one type; `kind` tells which. */
export type TypeState = ObjectTypeState | ListTypeState | SetTypeState | MapTypeState;

/** A type without records. */
export function emptyTypeState(schema: Schema): TypeState {
  switch (schema.kind) {
    case 'OBJECT':
      return ObjectTypeState.empty(schema);
    case 'LIST':
      return ListTypeState.empty(schema);
    case 'SET':
      return SetTypeState.empty(schema);
    case 'MAP':
      return MapTypeState.empty(schema);
  }
}
