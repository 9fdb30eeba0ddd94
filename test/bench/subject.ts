/**
 * A process that holds one peer with one dataset: `node subject.ts <peer> <dataset>`. Requests and replies as lines, like those of the Java
 * program; each operation says how long it took, in ns.
 */
import { createInterface } from 'node:readline';
import { cityRecords, openKeys } from './cities.ts';
import type { Dataset, Peer } from './peer.ts';
import { productRecords } from './products.ts';
import type { Records } from './records.ts';

interface Request extends Dataset {
  readonly id: number;
  readonly command: string;
  readonly times: number;
  readonly revision: number;
  readonly isLazy?: boolean;
  readonly isChained?: boolean;
  readonly verify?: 'bytes' | 'records';
}

const module: { createPeer<Item>(records: Records<Item>): Peer } = await import(
  `./peers/${process.argv[2]}.ts`
);
const isOfCities = process.argv[3] === 'cities';
const peer = isOfCities ? module.createPeer(cityRecords) : module.createPeer(productRecords);

async function obey(request: Request): Promise<object> {
  const { command, times, count, revision } = request;
  if (isOfCities && command === 'bench.load') openKeys(request);
  const start = process.hrtime.bigint();
  const check = await operation(command, times, count, { ...request, revision });
  return { ns: Number(process.hrtime.bigint() - start), check: check ?? null };
}

function operation(command: string, times: number, count: number, request: Request): unknown {
  switch (command) {
    case 'bench.prepare':
      return peer.prepare(request);
    case 'bench.load':
      return peer.load(request);
    case 'bench.index':
      return peer.index?.(request.isLazy === true);
    case 'bench.consumerStart':
      return peer.consumerStart?.(request, request.verify ?? 'bytes');
    case 'bench.lookUp':
      return peer.lookUp(times, count);
    case 'bench.lookUpFields':
      return peer.lookUpFields(times, count, request.isChained === true);
    case 'bench.scanFixed':
      return peer.scanFixed?.();
    case 'bench.scanStrings':
      return peer.scanStrings?.();
    case 'bench.apply':
      return peer.apply?.(request);
    case 'bench.write':
    case 'bench.produceAll':
      return peer.write?.(request);
    case 'bench.receive':
      return peer.receive?.(request, request.revision);
    case 'bench.mutate':
      return peer.mutate?.();
    case 'bench.deltas':
      return peer.deltas?.();
    case 'bench.fold':
      return peer.fold?.();
    case 'bench.scale':
      return peer.scale?.(request);
    case 'bench.workers':
      return peer.workers?.(request);
    case 'bench.change':
      return peer.change?.(request.revision);
    case 'bench.produceChanges':
      return peer.produceChanges?.(request.revision);
    default:
      throw new Error(`unknown command ${command}`);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request;
  let reply: object;
  try {
    if (request.command === 'bench.memory') {
      reply = {
        ok: true,
        result: { resident: process.memoryUsage.rss(), heap: process.memoryUsage().heapUsed },
      };
    } else {
      reply = { ok: true, result: await obey(request) };
    }
  } catch (error) {
    reply = { ok: false, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  process.stdout.write(`${JSON.stringify({ id: request.id, ...reply })}\n`);
}
