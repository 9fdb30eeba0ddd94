/**
 * Who may import whom under lib/, in one table. The linter (oxlint.config.ts) reads it while one types and test/house
 * walks the whole tree by it, so the two cannot disagree.
 *
 * A folder may import itself, the folders listed here, and the root files of lib. `tools` and `explorer` stand on the
 * consumer; adapters (`memory`, `local`, `aws`) implement ports and know blobs at most; `cli` and `local-cloud` compose.
 */
const lower = {
  bytes: [],
  schema: ['bytes'],
  state: ['bytes', 'schema'],
  blob: ['bytes', 'schema', 'state'],
  indexes: ['bytes', 'schema', 'state', 'blob'],
  consumer: ['bytes', 'schema', 'state', 'blob', 'indexes'],
  producer: ['bytes', 'schema', 'state', 'blob', 'indexes', 'consumer'],
  housekeeping: ['bytes', 'schema', 'state', 'blob', 'indexes', 'consumer', 'producer'],
} as const;

const pure: readonly string[] = ['bytes', 'schema', 'state', 'blob', 'indexes'];
const portsOnly: readonly string[] = ['consumer', 'producer', 'housekeeping'];

export const imports: Readonly<Record<string, readonly string[]>> = {
  ...lower,
  tools: [...pure, 'consumer'],
  explorer: [...pure, 'consumer', 'tools'],
  sender: ['bytes', 'schema'],
  'hollow-directory': [...pure, 'consumer'],
  memory: ['bytes', 'schema', 'state', 'blob'],
  local: ['bytes', 'schema', 'state', 'blob'],
  aws: ['bytes', 'schema', 'state', 'blob'],
};

/** Folders that put the others together: they may import all of the above, nobody may import them. */
export const composers: readonly string[] = ['cli', 'local-cloud'];

/** The public entry points: for users of the package, never for code inside it. */
export const doors: readonly string[] = [
  'index',
  'engine',
  'producer',
  'housekeeping',
  'sender',
  'aws',
  'local',
  'testing',
];

export const folders: readonly string[] = [...Object.keys(imports), ...composers];

/** No clock, timers, randomness, environment or Node built-ins: what they need is injected. */
export const clockless: readonly string[] = [...pure, ...portsOnly, 'tools', 'sender', 'memory'];

/** No `async` either: the same call gives the same bytes, at once. */
export const synchronous: readonly string[] = pure;

/** Folders that `from` may not import although they exist or may come to exist. */
export function forbiddenFolders(from: string): readonly string[] {
  if (composers.includes(from)) return composers.filter((folder) => folder !== from);
  const allowed = imports[from] ?? [];
  return folders.filter((folder) => folder !== from && !allowed.includes(folder));
}

/** What may be imported from node_modules only in one place, and why it is asked for elsewhere. */
export const packageHomes: readonly {
  readonly pattern: string;
  readonly home: string;
  readonly instead: string;
}[] = [
  { pattern: '^@(aws-sdk|smithy)/', home: 'lib/aws', instead: 'take a port of lib/ports.ts' },
  {
    pattern: '^@(aws-lambda-powertools|middy)/',
    home: 'functions',
    instead: 'take the Telemetry port of lib/ports.ts',
  },
  { pattern: '^(aws-cdk-lib|constructs|cdk-nag)(/|$)', home: 'infra', instead: 'keep CDK out of what runs' },
];

/** Programs, and the root of the functions: where the environment is read, once, and turned into settings. */
export const environmentReaders: readonly string[] = [
  'functions/runtime.ts',
  'lib/cli/hollow.ts',
  'lib/cli/main.ts',
  'lib/local-cloud/start.ts',
  'lib/local-cloud/lambda/bootstrap.ts',
];
