import type { World } from './world.ts';

/** Probabilities, each per call, delivery or message as named. */
export interface Faults {
  /** The process dies when it makes a call, or when the reply comes. */
  readonly crash: number;
  readonly freeze: number;
  /** Refused before anything happened. */
  readonly throttle: number;
  /** Applied, or to be applied seconds later, or lost: the caller is told `unavailable`. */
  readonly unknown: number;
  /** The transport repeats a request that had succeeded and hands back the second answer. */
  readonly repeat: number;
  readonly slow: number;
  readonly deliverTwice: number;
  readonly hintLost: number;
  readonly hintTwice: number;
  /** An eventually consistent read shows an earlier head. */
  readonly stale: number;
}

const typical: Faults = {
  crash: 0.01,
  freeze: 0.01,
  throttle: 0.05,
  unknown: 0.06,
  repeat: 0.05,
  slow: 0.05,
  deliverTwice: 0.15,
  hintLost: 0.3,
  hintTwice: 0.2,
  stale: 0.3,
};

export const noFaults: Faults = {
  crash: 0,
  freeze: 0,
  throttle: 0,
  unknown: 0,
  repeat: 0,
  slow: 0,
  deliverTwice: 0,
  hintLost: 0,
  hintTwice: 0,
  stale: 0,
};

/** A mix of its own for every seed: each fault is off in a third of them, so that it cannot hide the others. */
export function drawFaults(world: World): Faults {
  const draw = (probability: number): number =>
    world.chance(1 / 3) ? 0 : probability * world.between(0.3, 2);
  return {
    crash: draw(typical.crash),
    freeze: draw(typical.freeze),
    throttle: draw(typical.throttle),
    unknown: draw(typical.unknown),
    repeat: draw(typical.repeat),
    slow: draw(typical.slow),
    deliverTwice: draw(typical.deliverTwice),
    hintLost: draw(typical.hintLost),
    hintTwice: draw(typical.hintTwice),
    stale: draw(typical.stale),
  };
}
