/** What the demonstration does, round by round: load everything, change one percent, make single changes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AwsMutationSink } from '../../aws/mutation-sink.ts';
import {
  type City,
  type CityMessage,
  type CityMutation,
  packMessages,
  patch,
  remove,
  upsert,
} from './cities.ts';
import type { ConsumerProcess } from './consumer-process.ts';
import type { Observer } from './observe.ts';
import { bytes, count, line, milliseconds, startProgress, table } from './print.ts';
import { probeEveryMs, quantile, type SendingResult, sendAll } from './sending.ts';

export interface Demo {
  readonly sink: AwsMutationSink;
  readonly consumer: ConsumerProcess;
  readonly observer: Observer;
}

const mutationsPerMessage = 100;
/** Messages sent and not yet visible, at most: two batches at work, as many as the mapping has pollers. */
const underWayMax = 20;

export interface LoadResult extends SendingResult {
  readonly mutationCount: number;
}

/** Sends what the consumer does not serve yet: all of it, or what is left of an interrupted run. */
export async function loadAll(cities: readonly City[], demo: Demo): Promise<LoadResult> {
  const missing = await findMissing(packMessages(cities.map(upsert), mutationsPerMessage), demo);
  const mutationCount = missing.reduce((sum, message) => sum + message.mutationCount, 0);
  if (mutationCount < cities.length) {
    line(`${count(cities.length - mutationCount)} cities are here from an earlier run`);
  }
  const progress = startProgress(mutationCount, 'cities');
  const { sink, consumer } = demo;
  const sent = await sendAll(missing, {
    sink,
    consumer,
    underWayMax,
    onProgress: (done) => progress.show(done),
  });
  progress.end();
  return { ...sent, mutationCount };
}

async function findMissing(
  messages: readonly CityMessage[],
  { consumer, observer }: Demo,
): Promise<CityMessage[]> {
  const head = await observer.loadHead();
  if (head === null) return [...messages];
  // A consumer that has not loaded yet would seem to miss what it is about to serve.
  while (((await consumer.served())?.version ?? 0) < head.version) await sleep(probeEveryMs);
  const missing: CityMessage[] = [];
  for (const message of messages) {
    if (!(await consumer.hasCity(message.probe.cityId))) missing.push(message);
  }
  return missing;
}

/** Every hundredth city gets another population. Shows what a change of one percent costs beside a snapshot. */
export async function changeOnePercent(cities: readonly City[], demo: Demo): Promise<void> {
  const growth = growthOfThisRun();
  const changed = cities.filter((_, index) => index % 100 === 0);
  const mutations = changed.map(({ cityId, population }) =>
    patch(cityId, { population: population + growth }),
  );
  const before = (await demo.observer.loadHead())?.version ?? 0;
  const { sink, consumer } = demo;
  const messages = packMessages(mutations, mutationsPerMessage);
  const { durationMs } = await sendAll(messages, { sink, consumer, underWayMax });
  const deltas = await demo.observer.listBlobs('delta');
  const sizes = [...deltas.byVersion].filter(([version]) => version > before).map(([, size]) => size);
  const deltaSize = sizes.reduce((sum, size) => sum + size, 0);
  const snapshot = [...(await demo.observer.listBlobs('snapshot')).byVersion]
    .toSorted(([a], [b]) => a - b)
    .at(-1);
  const snapshotSize = snapshot?.[1] ?? 0;
  table('One percent changed', [
    ['cities', count(changed.length)],
    ['versions', String(sizes.length)],
    [
      'deltas',
      `${bytes(deltaSize)}, ${((100 * deltaSize) / snapshotSize).toFixed(1)} % of a snapshot (${bytes(snapshotSize)})`,
    ],
    ['all visible after', milliseconds(durationMs)],
  ]);
}

interface LiveChange {
  readonly what: string;
  readonly mutation: CityMutation;
}

/** Single changes, one after the other, each named with the delta in which it came. */
export async function makeLiveChanges(cities: readonly City[], demo: Demo): Promise<void> {
  line();
  line('Single changes, each as it arrives');
  const latenciesMs: number[] = [];
  for (const { what, mutation } of liveChanges(cities)) {
    const { sink, consumer, observer } = demo;
    const sent = await sendAll(packMessages([mutation], 1), { sink, consumer, underWayMax: 1 });
    latenciesMs.push(...sent.latenciesMs);
    const version = (await observer.loadHead())?.version ?? 0;
    const size = (await observer.listBlobs('delta')).byVersion.get(version) ?? 0;
    line(
      `  ${what}: version ${count(version)}, delta ${bytes(size)}, visible after ${milliseconds(sent.durationMs)}`,
    );
  }
  const ascending = latenciesMs.toSorted((a, b) => a - b);
  line(`  write to visible, one change at a time: p50 ${milliseconds(quantile(ascending, 0.5))}`);
}

/** GeoNames ids of places that everybody knows. */
const wellKnown = [2950159, 2988507, 1850147, 2332459, 3448439];

function liveChanges(cities: readonly City[]): readonly LiveChange[] {
  const growth = growthOfThisRun();
  const changes = cities
    .filter((city) => wellKnown.includes(city.cityId))
    .map(({ cityId, name, country, population }) => ({
      what: `${name} (${country}) has ${count(population + growth)} people`,
      mutation: patch(cityId, { population: population + growth }),
    }));
  const invented: City = {
    cityId: 2_000_000_001,
    name: 'Sleepy Hollow',
    altName: '',
    country: 'XX',
    featureCode: 'PPL',
    adminCode: '',
    population: growth,
    lat: 0,
    lon: 0,
  };
  return [
    ...changes,
    { what: `${invented.name} is founded`, mutation: upsert(invented) },
    { what: `${invented.name} is abandoned`, mutation: remove(invented.cityId) },
  ];
}

/** Another number in every run, so that a change is a change also when the data of the last run is still there. */
function growthOfThisRun(): number {
  return 1 + (Math.floor(Date.now() / 1000) % 1000);
}
