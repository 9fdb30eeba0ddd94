import type { ServiceName } from '../../lib/local-cloud/cloud.ts';
import type { SeededRandom } from '../../lib/memory/random.ts';

/** What may happen to one request, and whether the service has done what it was asked for. */
export const faultKinds = [
  /** Connection reset; not done. */
  'reset',
  /** Connection cut after the service has answered; done. */
  'cutAfter',
  /** 500 after the service has answered; done. */
  'errorAfter',
  /** Half of the answer, and the connection is cut; done. */
  'halfBody',
  /** Done later, often after the client has given up. */
  'delay',
  /** Answered later; done at once. */
  'delayAfter',
  /** 503, please slow down; not done. */
  'slowDown',
  /** 403, or what the service says instead; not done. */
  'denied',
  /** No answer at all; not done. */
  'blackHole',
] as const;

export type FaultKind = (typeof faultKinds)[number];
export type FaultyService = Extract<ServiceName, 's3' | 'dynamodb' | 'sqs' | 'eventBridge'>;
export const faultyServices: readonly FaultyService[] = ['s3', 'dynamodb', 'sqs', 'eventBridge'];

/** What happens to the requests of one service for a while. */
export interface FaultMix {
  /** Of all requests, 0 to 1. */
  readonly share: number;
  readonly kinds: readonly FaultKind[];
  readonly delayMsMax: number;
}

export const noFaults: FaultMix = { share: 0, kinds: [], delayMsMax: 0 };

/** Each round has a mix of its own: some faults show only where others are absent. */
export function drawMix(random: SeededRandom): FaultMix {
  const draw = random.uniform();
  const kinds = faultKinds.filter(() => random.uniform() < 0.5);
  const delayMsMax = 200 + random.uniform() * 2_800;
  if (draw < 0.25 || kinds.length === 0) return noFaults;
  if (draw < 0.3) return { share: 1, kinds: [kinds[0] ?? 'slowDown'], delayMsMax }; // an outage
  return { share: 0.02 + random.uniform() * 0.3, kinds, delayMsMax };
}
