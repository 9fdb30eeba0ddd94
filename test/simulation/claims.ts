import { type ClaimPorts, putClaim } from '../../lib/claim.ts';
import { isDatasetError } from '../../lib/errors.ts';
import { BlobInbox } from '../../lib/inbox.ts';
import { systemCodec } from '../../lib/local/system-codec.ts';
import type { BlobStore, DatasetId, Random } from '../../lib/ports.ts';
import type { Ports } from './ports.ts';
import type { SimProcess } from './process.ts';
import type { Cloud } from './stores.ts';
import type { Sent } from './traffic.ts';

/** What becomes of what a claim names. Mostly it is there. */
export const fates = [
  'kept',
  'kept',
  'kept',
  'kept',
  // Sent before it is there.
  'late',
  // Expired, or never there.
  'gone',
  // Other bytes, of another message, under the digest of the right ones.
  'replaced',
  // More bytes than the claim says.
  'longer',
  // The right bytes, in another encoding than the claim says.
  'garbled',
  // In the inbox of somebody else.
  'foreign',
] as const;

type Fate = (typeof fates)[number];

interface Claim {
  readonly ref: string;
  readonly size: number;
  readonly sha256: string;
  readonly encoding: string;
}

/** Nobody sent this: whoever takes it in did not look at the digest. */
const otherText = JSON.stringify({
  op: 'upsert',
  type: 'City',
  value: { cityId: 1, name: 'Nobody', population: 1 },
});

export function claimPorts(id: DatasetId, { inbox: blobs }: Ports, random: Random): ClaimPorts {
  return { inbox: new BlobInbox({ id, blobs, random }), codec: systemCodec };
}

interface Claimant {
  readonly process: SimProcess;
  readonly ports: Ports;
  readonly cloud: Cloud;
}

/** Puts the message into the inbox, as often as it takes, and then sends its claim. */
export async function sendClaim(claimant: Claimant, sent: Sent, fate: Fate): Promise<void> {
  const { process, cloud } = claimant;
  for (;;) {
    try {
      const body = await claimOf(claimant, sent.body, fate);
      cloud.send({ ...sent, ...meaningOf(fate), body });
      return;
    } catch (error) {
      if (!isDatasetError(error)) throw error;
      await process.clock.sleep(process.random.uniform() * 500);
    }
  }
}

/** What cannot be opened is to be quarantined, whatever is in it. */
function meaningOf(fate: Fate): Partial<Sent> {
  if (fate === 'kept') return {};
  return fate === 'late' ? { mayBeUnopened: true } : { intents: [], isBroken: true };
}

async function claimOf({ process, ports, cloud }: Claimant, text: string, fate: Fate): Promise<string> {
  const { id } = cloud;
  const { random } = process;
  const claims = claimPorts(id, ports, random);
  if (fate === 'late') {
    const inbox = putLater(ports.inbox, process, 3_000);
    return putClaim(claimPorts(id, { ...ports, inbox }, random), text);
  }
  const body = await putClaim(claims, text, fate === 'garbled' ? 'identity' : 'zstd');
  const { claim }: { claim: Claim } = JSON.parse(body);
  const print = (instead: Partial<Claim>): string => JSON.stringify({ claim: { ...claim, ...instead } });
  if (fate === 'gone') await cloud.bucket.expire(claim.ref);
  if (fate === 'longer') return print({ size: claim.size - 1 });
  if (fate === 'garbled') return print({ encoding: 'zstd' });
  if (fate === 'foreign') return print({ ref: claim.ref.replace(/^inbox/, 'inbox/t/other') });
  if (fate !== 'replaced') return body;
  const { claim: other }: { claim: Claim } = JSON.parse(await putClaim(claims, otherText));
  return print({ ref: other.ref, size: other.size });
}

/** A store that says at once that it has the bytes, and has them some time later, or never. */
export function putLater(blobs: BlobStore, { clock, random }: SimProcess, afterMsMax: number): BlobStore {
  return {
    get: (name, sizeMax) => blobs.get(name, sizeMax),
    put: async (name, bytes, metadata) => {
      clock
        .sleep(random.uniform() * afterMsMax)
        .then(() => blobs.put(name, bytes, metadata))
        .catch(() => undefined);
      return { kind: 'stored', sha256: await systemCodec.sha256(bytes) };
    },
  };
}
