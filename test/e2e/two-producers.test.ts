import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SeededRandom } from '../../lib/memory/random.ts';
import { type Chain, effectsOf, readChain, recordsOf } from '../support/chain.ts';
import { makeTraffic, pack, replay, shuffle } from '../support/city-traffic.ts';
import { eventually } from '../support/eventually.ts';
import { startTestCloud, type TestCloud } from '../support/test-cloud.ts';

const seed = Number(process.env['RACE_SEED'] ?? randomInt(2 ** 31));
const random = new SeededRandom(seed);
const mutations = makeTraffic(random, 300, 1_600);
const [first, ...messages] = pack(shuffle(mutations, random), random, 2);
/** Both are at work during each of them; which of the two is faster may change in between. */
const waveCount = 4;

interface ProducerProcess {
  /** Versions that it committed, by its own word. */
  readonly commits: readonly { readonly version: unknown; readonly cid: unknown }[];
  /** Commits that another one had made impossible. */
  readonly lost: number;
}

let it: TestCloud;
let chain: Chain;
/** By log stream: one for each process, as in CloudWatch. */
let processes: ReadonlyMap<string, ProducerProcess>;

const sumOf = (metric: string) => it.cloud.metrics().get(metric)?.sum ?? 0;

beforeAll(async () => {
  it = await startTestCloud();
  if (first === undefined) expect.fail();
  await it.sink.send([first]);
  await eventually(() => expect(sumOf('Commits')).toBe(1));
  // Two pollers, because the template says MaximumConcurrency 2, and each finds a full batch: two sandboxes.
  const size = Math.ceil(messages.length / waveCount);
  for (let wave = 0; wave < waveCount; wave += 1) {
    await it.sink.send(messages.slice(wave * size, (wave + 1) * size));
    await eventually(async () => expect(await it.depthsOf('MutationQueueUrl')).toEqual([0, 0, 0]));
  }
  chain = await readChain(it);
  // Metrics are printed at the end of an invocation, a moment after the commit can be seen.
  await eventually(() => expect(sumOf('Commits')).toBe(chain.versions.length));
  const metrics = [...it.cloud.log.metricsByStream()].filter(([, each]) => each.has('MessagesReceived'));
  processes = new Map(
    metrics.map(([logStream, each]) => {
      const lines = it.log.filter((line) => line['logStream'] === logStream && line.message === 'committed');
      const commits = lines.map((line) => ({ version: line['version'], cid: line['cid'] }));
      return [logStream, { commits, lost: each.get('CommitConflicts')?.sum ?? 0 }];
    }),
  );
  const told = [...processes.values()].map(({ commits, lost }) => `${commits.length} won and ${lost} lost`);
  process.stdout.write(
    `two-producers.test.ts: RACE_SEED=${seed}, ${chain.versions.length} versions, ${told.join(', ')}\n`,
  );
});

afterAll(() => it?.stop());

describe('two producer processes on one dataset', () => {
  test('every mutation is in, none twice', () => {
    expect(recordsOf(chain.versions.at(-1)?.state ?? expect.fail(), 'City')).toEqual(replay(mutations));
    const effects = effectsOf(chain.versions);
    expect(new Set(effects).size).toBe(effects.length);
    expect(sumOf('MutationsReceived')).toBeGreaterThanOrEqual(mutations.length);
    expect(sumOf('MessagesFailed')).toBe(0);
  });

  test("versions have no gap, and each is one process's commit", () => {
    const commits = [...processes.values()].flatMap((each) => each.commits);
    const byVersion = commits.toSorted((a, b) => Number(a.version) - Number(b.version));
    expect(byVersion).toEqual(chain.versions.map(({ version, cid }) => ({ version, cid })));
  });

  test('there are two, each won a fifth of the commits at least and lost ten races at least', () => {
    expect(processes.size).toBe(2);
    for (const { commits, lost } of processes.values()) {
      expect(commits.length).toBeGreaterThanOrEqual(chain.versions.length / 5);
      expect(lost).toBeGreaterThanOrEqual(10);
    }
  });

  test('what was lost was counted, and lies in the bucket where no head leads', () => {
    const conflicts = sumOf('CommitConflicts');
    expect(conflicts).toBe([...processes.values()].reduce((sum, { lost }) => sum + lost, 0));
    // A commit with unknown outcome may have left a delta behind, too, without being a conflict.
    expect(chain.orphans.length).toBeLessThanOrEqual(conflicts + sumOf('CommitsUnknown'));
    expect(chain.orphans.length).toBeGreaterThanOrEqual(20);
  });
});
