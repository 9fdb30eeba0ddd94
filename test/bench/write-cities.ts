import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { encodeDelta } from '../../lib/blob/encode-delta.ts';
import { encodeFirstSnapshot } from '../../lib/blob/encode-snapshot.ts';
import { UniqueKeyIndex } from '../../lib/indexes/unique-key.ts';
import { type City, loadCities } from '../../lib/local-cloud/demo/cities.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import { ReadState } from '../../lib/state/read-state.ts';
import { WriteState } from '../../lib/state/write-state.ts';
import { keysFile } from './cities.ts';
import { changeEvery } from './products.ts';

const dsl = join(import.meta.dirname, '../../datasets/cities.hollow');
const options = { headerTags: new Map<string, string>(), parts: new Map<string, string[]>() };

/** Their keys, snapshot-1, and delta-1-2, in which one in a hundred has one more inhabitant. */
export function writeCities(directory: string): void {
  const cities = loadCities();
  const write = (file: string, bytes: Uint8Array) => writeFileSync(join(directory, file), bytes);
  write(keysFile, new Uint8Array(Int32Array.from(cities, ({ cityId }) => cityId).buffer));
  const schema = DatasetSchema.of(parseSchemas(readFileSync(dsl, 'utf8')));
  const writer = WriteState.restore(ReadState.empty(schema));
  const first = writer.begin();
  for (const city of cities) first.add('City', city);
  const transition = first.transition();
  const { main } = encodeFirstSnapshot(transition, { tag: 1n, ...options });
  write('snapshot-1', main);
  const state = decodeSnapshot(main);
  writer.follow(state, transition);
  write('delta-1-2', deltaOf(writer, state, cities));
}

function deltaOf(writer: WriteState, state: ReadState, cities: readonly City[]): Uint8Array {
  const index = UniqueKeyIndex.build(state, 'City');
  const cycle = writer.begin();
  for (const city of cities.filter((_, k) => k % changeEvery === 0)) {
    cycle.remove('City', index.find(city.cityId));
    cycle.add('City', { ...city, population: city.population + 1 });
  }
  return encodeDelta(cycle.transition(), { tag: 2n, ...options }).main;
}
