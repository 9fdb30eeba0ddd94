import type { SeededRandom } from '../../lib/memory/random.ts';

/** Probabilities, each per call, delivery or message as named. */
export interface Faults {
  /** The process dies when it makes a call, or when the reply comes. */
  readonly crash: number;
  readonly freeze: number;
  /** Refused before anything happened: 503, 429. */
  readonly throttle: number;
  /** Refused because of another request for the same thing that is under way: 409. */
  readonly busy: number;
  /** Never arrives; the caller is told that nobody answered. */
  readonly drop: number;
  /** Applied, and the caller is told that nobody answered. */
  readonly ambiguous: number;
  /** As ambiguous, but applied only seconds after the caller gave up. */
  readonly lateApply: number;
  /** The transport repeats a request that had succeeded and hands back the second answer: 412, a failed condition. */
  readonly repeat: number;
  readonly slow: number;
  /** Of a get: the bytes do not match their digest. */
  readonly corrupt: number;
  /** Of a get: the connection ends before the bytes do. */
  readonly truncate: number;
  /** An eventually consistent read shows an earlier head. */
  readonly stale: number;
  /** Delivered again while the first delivery is at work. */
  readonly deliverTwice: number;
  /** The sender does not know whether its send worked, and sends again. */
  readonly sendTwice: number;
  readonly hintLost: number;
  readonly hintTwice: number;
  /** Comes seconds late, so after hints of later versions. */
  readonly hintLate: number;
  /** A function that ran out of time is killed; else it goes on in the background of the next call. */
  readonly kill: number;
  /** Per call: the wall clock of the process jumps. */
  readonly clockJump: number;
}

export type Fault = keyof Faults;

const typical: Faults = {
  crash: 0.01,
  freeze: 0.01,
  throttle: 0.03,
  busy: 0.02,
  drop: 0.02,
  ambiguous: 0.02,
  lateApply: 0.02,
  repeat: 0.05,
  slow: 0.05,
  corrupt: 0.03,
  truncate: 0.02,
  stale: 0.3,
  deliverTwice: 0.15,
  sendTwice: 0.05,
  hintLost: 0.3,
  hintTwice: 0.2,
  hintLate: 0.2,
  kill: 0.5,
  clockJump: 0.01,
};

export const faultKinds = Object.keys(typical) as readonly Fault[];

export const noFaults: Faults = mapFaults(() => 0);

/** A mix of its own for every seed: each fault is off in a third of them, so that it cannot hide the others. */
export function drawFaults(random: SeededRandom): Faults {
  return mapFaults((fault) => {
    const isOff = random.uniform() < 1 / 3;
    const scale = 0.3 + 1.7 * random.uniform();
    return isOff ? 0 : typical[fault] * scale;
  });
}

/** `faults` without one of them. */
export function withoutFault(faults: Faults, off: Fault): Faults {
  return { ...faults, [off]: 0 };
}

function mapFaults(probabilityOf: (fault: Fault) => number): Faults {
  return {
    crash: probabilityOf('crash'),
    freeze: probabilityOf('freeze'),
    throttle: probabilityOf('throttle'),
    busy: probabilityOf('busy'),
    drop: probabilityOf('drop'),
    ambiguous: probabilityOf('ambiguous'),
    lateApply: probabilityOf('lateApply'),
    repeat: probabilityOf('repeat'),
    slow: probabilityOf('slow'),
    corrupt: probabilityOf('corrupt'),
    truncate: probabilityOf('truncate'),
    stale: probabilityOf('stale'),
    deliverTwice: probabilityOf('deliverTwice'),
    sendTwice: probabilityOf('sendTwice'),
    hintLost: probabilityOf('hintLost'),
    hintTwice: probabilityOf('hintTwice'),
    hintLate: probabilityOf('hintLate'),
    kill: probabilityOf('kill'),
    clockJump: probabilityOf('clockJump'),
  };
}
