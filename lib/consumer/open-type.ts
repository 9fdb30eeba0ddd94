import { DatasetError } from '../errors.ts';
import type { AnyDataset } from '../schema/builder.ts';
import { recordColumn, recordViewer } from '../state/record.ts';
import type { LoadedState } from './loaded-version.ts';
import { TypeRecords } from './type-records.ts';

/**
 * The records of one type of a state.
 *
 * @param dataset what they are read as; null: as they are stored
 * @throws DatasetError `invalid` if there is no such OBJECT type
 */
export function openType(
  { state, indexes }: Pick<LoadedState, 'state' | 'indexes'>,
  dataset: AnyDataset | null,
  name: string,
): TypeRecords<never, never> {
  const known = dataset?.schema ?? state.schema;
  if (known.find(name) === undefined && !state.schema.leftOut.includes(name)) {
    const names = known.schemas.map((schema) => schema.name).join(', ');
    throw new DatasetError('invalid', `there is no type '${name}' (the types: ${names})`, { type: name });
  }
  return new TypeRecords({
    records: state.objectType(name),
    index: indexes.get(name) ?? null,
    keyPaths: () => state.schema.keyPaths(name),
    view: recordViewer(state, name, dataset),
    column: (field) => recordColumn(state, { type: name, field }, dataset),
  });
}
