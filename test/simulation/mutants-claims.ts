import type { MutationMessage } from '../../lib/ports.ts';
import { putLater } from './claims.ts';
import type { Mutant } from './mutants.ts';
import type { Ports } from './ports.ts';

/** Of messages whose content lies in the inbox. */
export const claimMutants: Readonly<Record<string, Mutant>> = {
  claimSkipsDigest: {
    caughtBy: ['S2', 'S4'],
    // The claim says whatever is true of the object that is there.
    wrap: ({ ports, cloud }) =>
      withClaims(ports, (claim, body) => {
        const there = cloud.bucket.peek(claim.ref);
        if (there === null) return body;
        const { bytes, sha256 } = there;
        return JSON.stringify({ claim: { ...claim, size: bytes.length, sha256 } });
      }),
  },
  claimAcknowledgedWhenMissing: {
    caughtBy: ['S4'],
    wrap: ({ ports, cloud }) =>
      withClaims(ports, ({ ref }, body) => (cloud.bucket.peek(ref) === null ? '{"mutations":[]}' : body)),
  },
  claimBeforeObject: {
    caughtBy: ['S4'],
    wrap: ({ ports, process }) => ({ ...ports, inbox: putLater(ports.inbox, process, 3_000) }),
  },
};

/** Messages with a claim come as `instead` says. */
function withClaims(ports: Ports, instead: (claim: { readonly ref: string }, body: string) => string): Ports {
  const { source } = ports;
  const changed = (message: MutationMessage): MutationMessage => {
    if (!message.body.startsWith('{"claim"')) return message;
    const { claim }: { claim: { ref: string } } = JSON.parse(message.body);
    return { ...message, body: instead(claim, message.body) };
  };
  return {
    ...ports,
    source: {
      receive: async (max, waitMs) => (await source.receive(max, waitMs)).map(changed),
      acknowledge: (messages) => source.acknowledge(messages),
    },
  };
}
