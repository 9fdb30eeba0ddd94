/** What is measured: the steps of one round, of which the last counts, and what its outcome means. */
export interface Metric {
  readonly name: string;
  readonly label: string;
  readonly unit: string;
  /** More is better. */
  readonly isRate: boolean;
  /** A new process for each round; the time from its start counts. */
  readonly isColdStart?: boolean;
  /** All peers must come to the same sum. */
  readonly isChecked?: boolean;
  /** Of other datasets it is not measured. */
  readonly isOfProducts?: boolean;
  /** Undefined: all that are asked for. */
  readonly peers?: readonly string[];
  steps(round: number): readonly (readonly [command: string, fields?: object])[];
  value(outcome: Outcome, run: { readonly elapsed: number; readonly count: number }): number;
}

interface Outcome {
  readonly check?: number | null | undefined;
  readonly ns?: number | undefined;
  readonly resident?: number | undefined;
}

const ours = ['ours', 'ours-kept'];
const engines = [...ours, 'java'];
const loaded = [['load'], ['index']] as const;
const lookUps = 200_000;
const messageCount = 10_000;
const milliseconds = ({ ns }: Outcome): number => (ns ?? Number.NaN) / 1e6;
/** Where a peer says itself how much of the step counts. */
const millisecondsItself = ({ check, ns }: Outcome): number => (check ?? ns ?? Number.NaN) / 1e6;
const perMicrosecond = (times: number, { ns }: Outcome): number => (times * 1e3) / (ns ?? Number.NaN);
/** The first round loads, all of them then ask the same loaded data. */
const onceLoaded = (round: number, command: string, fields: object = {}) =>
  [...(round === 0 ? loaded : []), [command, fields] as const] as const;

export const metrics: readonly Metric[] = [
  {
    name: 'load',
    label: 'snapshot load, warm process',
    unit: 'ms',
    isRate: false,
    peers: [
      ...engines,
      'ours-one-thread',
      'json-map',
      'json-document-map',
      'json-zst-map',
      'msgpackr-map',
      'arrow',
    ],
    steps: () => [['load']],
    value: milliseconds,
  },
  {
    name: 'index',
    label: 'primary-key index build',
    unit: 'ms',
    isRate: false,
    peers: [...engines, 'arrow'],
    steps: () => loaded,
    value: milliseconds,
  },
  {
    name: 'lookUp',
    label: 'primary-key lookup',
    unit: 'M/s',
    isRate: true,
    steps: (round) => onceLoaded(round, 'lookUp', { times: lookUps }),
    value: (outcome) => perMicrosecond(lookUps, outcome),
  },
  {
    name: 'lookUpFields',
    label: 'lookup + 3 fields, strings decoded',
    unit: 'M/s',
    isRate: true,
    isChecked: true,
    steps: (round) => onceLoaded(round, 'lookUpFields', { times: lookUps }),
    value: (outcome) => perMicrosecond(lookUps, outcome),
  },
  {
    name: 'lookUpChain',
    label: 'the same, each one waits for the one before',
    unit: 'M/s',
    isRate: true,
    isChecked: true,
    steps: (round) => onceLoaded(round, 'lookUpFields', { times: lookUps, isChained: true }),
    value: (outcome) => perMicrosecond(lookUps, outcome),
  },
  {
    name: 'scanFixed',
    label: 'scan 2 fixed fields',
    unit: 'Mrec/s',
    isRate: true,
    isChecked: true,
    peers: ['ours', 'java', 'json-map', 'msgpackr-map', 'arrow'],
    steps: (round) => onceLoaded(round, 'scanFixed'),
    value: (outcome, { count }) => perMicrosecond(count, outcome),
  },
  {
    name: 'scanStrings',
    label: 'scan 5 fields, 2 strings',
    unit: 'Mrec/s',
    isRate: true,
    isChecked: true,
    peers: ['ours', 'java', 'json-map', 'msgpackr-map'],
    steps: (round) => onceLoaded(round, 'scanStrings'),
    value: (outcome, { count }) => perMicrosecond(count, outcome),
  },
  {
    name: 'apply',
    label: 'apply a 1 % delta, index included',
    unit: 'ms',
    isRate: false,
    peers: engines,
    steps: () => [...loaded, ['apply']],
    value: milliseconds,
  },
  {
    name: 'memory',
    label: 'resident after load, index and 200,000 look-ups',
    unit: 'MB',
    isRate: false,
    isColdStart: true,
    steps: () => [...loaded, ['lookUpFields', { times: lookUps }], ['memory']],
    value: ({ resident }) => (resident ?? Number.NaN) / 1e6,
  },
  {
    name: 'coldStart',
    label: 'whole process to the first lookup',
    unit: 'ms',
    isRate: false,
    isColdStart: true,
    steps: () => [['load'], ['index', { isLazy: true }], ['lookUp', { times: 1 }]],
    value: (_, { elapsed }) => elapsed / 1e6,
  },
  ...(['bytes', 'records'] as const).map(
    (verify): Metric => ({
      name: `consumerStart-${verify}`,
      label: `whole process to a consumer's first record, ${verify} verified`,
      unit: 'ms',
      isRate: false,
      isColdStart: true,
      isOfProducts: true,
      peers: ['ours'],
      steps: () => [['consumerStart', { verify }]],
      value: (_, { elapsed }) => elapsed / 1e6,
    }),
  ),
  {
    name: 'write',
    isOfProducts: true,
    label: 'producer: add all and write the snapshot',
    unit: 'ms',
    isRate: false,
    peers: engines,
    steps: () => [['write']],
    value: millisecondsItself,
  },
  {
    name: 'change',
    isOfProducts: true,
    label: 'producer: incremental 1 % cycle; Java without look-ups, search for orphans, read state, index',
    unit: 'ms',
    isRate: false,
    peers: engines,
    steps: (round) => [
      ...(round === 0 ? [['write'] as const] : []),
      ['change', { revision: round + 1, every: 100 }],
    ],
    value: millisecondsItself,
  },
  {
    name: 'produce',
    isOfProducts: true,
    label: "producer: incremental 1 % cycle, as Java's incremental producer does it",
    unit: 'ms',
    isRate: false,
    peers: engines,
    steps: (round) => [
      ...(round === 0 ? [['produceAll'] as const] : []),
      ['produceChanges', { revision: round + 1, every: 100 }],
    ],
    value: millisecondsItself,
  },
  {
    name: 'mutate',
    isOfProducts: true,
    label: 'write path: messages to encoded delta, bookkeeping included',
    unit: 'k/s',
    isRate: true,
    peers: ours,
    steps: (round) => [['receive', { revision: round + 1 }], ['mutate']],
    value: ({ ns }) => (messageCount * 1e6) / (ns ?? Number.NaN),
  },
  {
    name: 'deltas',
    isOfProducts: true,
    label: 'lookup + 1 field with 5 deltas of 1 % on top, against none',
    unit: 'x longer',
    isRate: false,
    peers: ['ours'],
    steps: () => [...loaded, ['deltas']],
    value: ({ check }) => check ?? Number.NaN,
  },
  {
    name: 'fold',
    isOfProducts: true,
    label: 'the longest apply of 27 deltas of 1 %: state and index are folded',
    unit: 'ms',
    isRate: false,
    peers: ours,
    steps: () => [...loaded, ['fold']],
    value: ({ check }) => (check ?? Number.NaN) / 1e6,
  },
  {
    name: 'scale',
    isOfProducts: true,
    label: 'apply of the same 10,000 changes: all products against a tenth',
    unit: 'x',
    isRate: false,
    peers: ['ours'],
    steps: () => [['scale']],
    value: ({ check }) => check ?? Number.NaN,
  },
  {
    name: 'workers',
    isOfProducts: true,
    label: 'look-ups by two worker threads in one state, against one of them',
    unit: 'x',
    isRate: true,
    peers: ['ours'],
    steps: (round) => onceLoaded(round, 'workers'),
    value: ({ check }) => check ?? Number.NaN,
  },
];
