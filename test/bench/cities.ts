import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type City, loadCities } from '../../lib/local-cloud/demo/cities.ts';
import type { Dataset } from './peer.ts';
import type { Records } from './records.ts';

/** The cityIds, 32 bits each: look-ups need existing keys, and these are not numbered through. */
export const keysFile = 'keys';

let keys = new Int32Array(0);

/** The populated places of GeoNames with more than 1,000 people (datasets/cities.hollow), as the demonstration has them. */
export const cityRecords: Records<City> = {
  type: 'City',
  fields: {
    number: 'population',
    text: 'name',
    shared: 'country',
    secondNumber: 'cityId',
    secondText: 'featureCode',
    third: { name: 'lat', read: (records, field) => (o) => Math.trunc(records.readFloating(o, field)) },
  },
  keyAt: (position) => keys[position] as number,
  all: () => loadCities(),
  keyOf: ({ cityId }) => cityId,
  sumOfThree: ({ population, name, country }) => population + name.length + country.length,
  sumOfTwo: ({ population, cityId }) => population + cityId,
  sumOfFive: ({ population, cityId, lat, name, featureCode }) =>
    population + cityId + Math.trunc(lat) + name.length + featureCode.length,
  table:
    'cityId integer primary key, name text, altName text, country text, featureCode text, adminCode text, population int, lat real, lon real, muni text, muniSub text',
  columnsOfThree: 'cityId, population, name, country',
  row: (city) => {
    const { cityId, name, altName, country, featureCode, adminCode, population, lat, lon } = city;
    const places = [city.muni ?? null, city.muniSub ?? null];
    return [cityId, name, altName, country, featureCode, adminCode, population, lat, lon, ...places];
  },
};

/** Before look-ups. */
export function openKeys({ directory }: Dataset): void {
  keys = new Int32Array(new Uint8Array(readFileSync(join(directory, keysFile))).buffer);
}
