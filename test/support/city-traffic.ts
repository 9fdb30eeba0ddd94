/** Mutations of cities with order stamps of their own, and what a dataset holds that has taken all of them in. */
import { type City, loadCities } from '../../lib/local-cloud/demo/cities.ts';
import type { SeededRandom } from '../../lib/memory/random.ts';

interface Stamped {
  readonly type: 'City';
  readonly order: { readonly timestamp: number; readonly source: string; readonly sequence: number };
}

export type StampedMutation = Stamped &
  (
    | { readonly op: 'upsert'; readonly value: City }
    | { readonly op: 'patch'; readonly key: { readonly cityId: number }; readonly fields: Partial<City> }
    | { readonly op: 'delete'; readonly key: { readonly cityId: number } }
  );

/** Every stamp is unique, so each mutation has one effect that can be told from all others. Upserts of each city come first. */
export function makeTraffic(
  random: SeededRandom,
  cityCount: number,
  mutationCount: number,
): readonly StampedMutation[] {
  const pick = (count: number) => Math.floor(random.uniform() * count);
  const cities = loadCities().slice(0, cityCount);
  const startMs = Date.now() - 60_000;
  return Array.from({ length: mutationCount }, (_, sequence): StampedMutation => {
    const city = cities[sequence < cityCount ? sequence : pick(cityCount)];
    if (city === undefined) throw new Error('there are not that many cities');
    const stamped = {
      type: 'City',
      order: { timestamp: startMs + pick(30_000), source: `test-${pick(3)}`, sequence },
    } as const;
    const key = { cityId: city.cityId };
    const population = 1 + pick(1_000_000);
    const kind = sequence < cityCount ? 0 : random.uniform();
    if (kind < 0.5) return { ...stamped, op: 'upsert', value: { ...city, population } };
    if (kind < 0.85) return { ...stamped, op: 'patch', key, fields: { population } };
    return { ...stamped, op: 'delete', key };
  });
}

/** Records by city id, fields that are not set as null: a replay in the order of the stamps. */
export function replay(
  mutations: readonly StampedMutation[],
): ReadonlyMap<unknown, Readonly<Record<string, unknown>>> {
  const records = new Map<unknown, Readonly<Record<string, unknown>>>();
  for (const mutation of mutations.toSorted(compareStamps)) {
    if (mutation.op === 'upsert') records.set(mutation.value.cityId, { ...noFields, ...mutation.value });
    if (mutation.op === 'delete') records.delete(mutation.key.cityId);
    if (mutation.op !== 'patch') continue;
    const record = records.get(mutation.key.cityId);
    if (record !== undefined) records.set(mutation.key.cityId, { ...record, ...mutation.fields });
  }
  return records;
}

const noFields = { muni: null, muniSub: null };

/** Messages of one to `sizeMax` mutations. */
export function pack(
  mutations: readonly StampedMutation[],
  random: SeededRandom,
  sizeMax: number,
): readonly { readonly body: string }[] {
  const messages: { body: string }[] = [];
  for (let at = 0; at < mutations.length; ) {
    const size = 1 + Math.floor(random.uniform() * sizeMax);
    messages.push({ body: JSON.stringify({ mutations: mutations.slice(at, at + size) }) });
    at += size;
  }
  return messages;
}

function compareStamps({ order: a }: Stamped, { order: b }: Stamped): number {
  if (a.timestamp !== b.timestamp) return a.timestamp - b.timestamp;
  if (a.source !== b.source) return a.source < b.source ? -1 : 1;
  return a.sequence - b.sequence;
}

export function shuffle<T>(items: readonly T[], random: SeededRandom): readonly T[] {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i -= 1) {
    const other = Math.floor(random.uniform() * (i + 1));
    [shuffled[i], shuffled[other]] = [shuffled[other] as T, shuffled[i] as T];
  }
  return shuffled;
}
