import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalCloud } from '../../lib/local-cloud/cloud.ts';
import type { SeededRandom } from '../../lib/memory/random.ts';
import type { FaultProxy } from './fault-proxy.ts';
import { drawMix, type FaultyService, noFaults } from './faults.ts';
import type { Reader } from './reader.ts';

export interface Victims {
  readonly cloud: LocalCloud;
  readonly reader: Reader;
  readonly proxies: ReadonlyMap<FaultyService, FaultProxy>;
}

/** What happens to processes. */
const blows = ['kill producer', 'freeze producer', 'kill consumer', 'freeze consumer'] as const;
export type Blow = (typeof blows)[number];

interface PlannedBlow {
  readonly blow: Blow;
  readonly atMs: number;
  /** Of a freeze. */
  readonly forMs: number;
}

/** One round: every service fails in its own way, and up to three processes are hit. Returns what happened, for people. */
export async function playRound(victims: Victims, random: SeededRandom, durationMs: number): Promise<string> {
  const mixes: string[] = [];
  for (const [service, proxy] of victims.proxies) {
    proxy.mix = drawMix(random);
    const { share, kinds } = proxy.mix;
    if (share > 0) mixes.push(`${service} ${Math.round(share * 100)} % ${kinds.join('+')}`);
  }
  const planned = Array.from({ length: Math.floor(random.uniform() * 4) }, (): PlannedBlow => {
    const blow = blows[Math.floor(random.uniform() * blows.length)] ?? 'kill producer';
    return { blow, atMs: random.uniform() * durationMs, forMs: 50 + random.uniform() * 2_500 };
  });
  const hits = planned.map(async ({ blow, atMs, forMs }) => {
    await sleep(atMs);
    await strike(victims, blow, forMs);
  });
  await Promise.all([sleep(durationMs), ...hits]);
  return [...mixes, ...planned.map(({ blow }) => blow)].join(', ');
}

export function calm({ proxies }: Victims): void {
  for (const proxy of proxies.values()) proxy.mix = noFaults;
}

async function strike({ cloud, reader }: Victims, blow: Blow, forMs: number): Promise<void> {
  const producer = cloud.getFunction('ProducerFunction');
  switch (blow) {
    case 'kill producer':
      producer.kill('SIGKILL');
      return;
    case 'freeze producer':
      // Whoever is started meanwhile is not frozen, and works against the one that wakes up.
      await freeze(producer.processIds, forMs);
      return;
    case 'kill consumer':
      await reader.restart();
      return;
    case 'freeze consumer':
      reader.signal('SIGSTOP');
      await sleep(forMs);
      reader.signal('SIGCONT');
  }
}

async function freeze(processIds: readonly number[], forMs: number): Promise<void> {
  for (const id of processIds) send(id, 'SIGSTOP');
  await sleep(forMs);
  for (const id of processIds) send(id, 'SIGCONT');
}

/** The process may have ended meanwhile. */
function send(processId: number, signal: NodeJS.Signals): void {
  try {
    process.kill(processId, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
