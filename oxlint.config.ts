/**
 * Lint rules: what is outright wrong, promises nobody waits for, and the layers of test/support/layers.ts. Each ban
 * names its replacement. What cannot be said here (cycles over folders, package hygiene) is in test/house.
 */
import { defineConfig } from 'oxlint';
import {
  clockless,
  doors,
  environmentReaders,
  folders,
  forbiddenFolders,
  imports,
  packageHomes,
} from './test/support/layers.ts';

type Pattern = { message: string } & ({ regex: string } | { group: string[] });

const packagesOutsideOf = (home: string): Pattern[] =>
  packageHomes
    .filter((rule) => rule.home !== home)
    .map((rule) => ({ regex: rule.pattern, message: `Only in ${rule.home}; ${rule.instead}.` }));

const outward: Pattern = {
  regex: '^(\\.\\./)+(functions|infra|test|examples)/',
  message: 'lib stands alone: it never imports what is built on it.',
};
const insideDoors: Pattern = {
  regex: `^(\\.\\./)+(${doors.join('|')})\\.ts$`,
  message: 'Doors are for users of the package; import the file that has the thing.',
};
const nodeBuiltins: Pattern = {
  regex: '^node:',
  message:
    'No Node built-in here: this also runs in browsers or in the simulator. Take a port (lib/ports.ts).',
};

const restrictedImports = (
  patterns: Pattern[],
): { 'eslint/no-restricted-imports': ['error', { patterns: Pattern[] }] } => ({
  'eslint/no-restricted-imports': ['error', { patterns }],
});

/** One override per folder of lib, because an override replaces the rule as a whole. */
const layerOverrides = folders.map((folder) => {
  const forbidden = forbiddenFolders(folder);
  const known = imports[folder]?.map((name) => `lib/${name}`).join(', ') || 'nothing else';
  const layers: Pattern = {
    regex: `^\\.\\./(${forbidden.join('|')})/`,
    message: `lib/${folder} may import itself, the root files of lib, and: ${known}.`,
  };
  const home = folder === 'local-cloud' || folder === 'cli' ? 'lib/aws' : `lib/${folder}`;
  const patterns = [layers, insideDoors, outward, ...packagesOutsideOf(home)];
  if (clockless.includes(folder)) patterns.push(nodeBuiltins);
  return { files: [`lib/${folder}/**/*.ts`], rules: restrictedImports(patterns) };
});

const ban = (names: readonly string[], message: string) => names.map((name) => ({ name, message }));
const timers = ban(['setTimeout', 'setInterval', 'setImmediate'], 'Use Clock.sleep() (lib/ports.ts).');
const surroundings = [
  ...ban(['process'], 'This layer also runs in browsers; take what it needs as an argument.'),
  ...ban(['fetch'], 'Take a port (lib/ports.ts).'),
  ...ban(['crypto'], 'Take Random, or an injected digest (lib/ports.ts).'),
];
const property = (object: string, name: string, message: string) => ({ object, property: name, message });
const machine = [
  property('Date', 'now', 'Use Clock.nowMs(), or Clock.monotonicMs() for durations (lib/ports.ts).'),
  property('performance', 'now', 'Use Clock.monotonicMs() (lib/ports.ts).'),
  property('Math', 'random', 'Use Random.uniform() (lib/ports.ts).'),
];
const environment = property(
  'process',
  'env',
  'The environment is read where a program starts; take parsed settings (lib/settings.ts).',
);

export default defineConfig({
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import', 'vitest'],
  categories: { correctness: 'error', suspicious: 'error' },
  options: { typeAware: true, denyWarnings: true, reportUnusedDisableDirectives: 'error' },
  // The peers of the benches are packages of their own install: their types are not here.
  ignorePatterns: [
    '**/node_modules',
    'dist',
    'cdk.out',
    'coverage',
    'test/golden/fixtures',
    'test/bench/peers',
  ],
  rules: {
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/await-thenable': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'typescript/only-throw-error': 'error',
    'typescript/prefer-promise-reject-errors': 'error',
    'typescript/return-await': ['error', 'in-try-catch'],
    'typescript/no-explicit-any': 'error',
    'import/no-cycle': 'error',
    'eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    'eslint/eqeqeq': 'error',
    'eslint/no-var': 'error',
    'eslint/prefer-const': 'error',
    'vitest/no-focused-tests': 'error',
    'vitest/expect-expect': [
      'error',
      {
        assertFunctionNames: ['expect*', 'assert*', 'fc.assert', 'template.has*', 'template.resourceCountIs'],
      },
    ],
    'vitest/valid-expect': ['error', { maxArgs: 2 }],
    // Off, with the reason:
    'eslint/no-new': 'off', // a construct of the CDK joins its scope by being made
    'typescript/no-unsafe-type-assertion': 'off', // `words[i] as number` in hot loops; on at the edges, see below
    'eslint/no-await-in-loop': 'off', // order matters in commit loops; fan-out is written with Promise.all
    'eslint/no-underscore-dangle': 'off', // names of the outside, such as aws-lambda's
    'eslint/no-shadow': 'off', // short scopes; TypeScript catches the type confusion
    'typescript/no-unnecessary-type-parameters': 'off', // callers write `lambdaHandler<SQSEvent, …>`
    'import/no-named-as-default-member': 'off', // `fc.array` is how fast-check is read
    'import/no-named-as-default': 'off', // the code and the types of middy disagree about its name
    'typescript/consistent-return': 'off', // the compiler's noImplicitReturns knows about exhaustive switches
    'eslint/no-unmodified-loop-condition': 'off', // blind to changes in callbacks
    'vitest/no-standalone-expect': 'off', // helpers of a test may expect too
    'vitest/no-conditional-expect': 'off', // a property test may branch on its input
    'unicorn/no-array-sort': 'off', // a fresh array is sorted in place on purpose
    'unicorn/no-array-reverse': 'off', // likewise
    'unicorn/no-useless-spread': 'off', // a copy, because the loop's body changes the original
    'unicorn/require-post-message-target-origin': 'off', // of windows; the ports of workers have no origin
    'unicorn/no-new-array': 'off', // of a length that is known, in hot code
    'unicorn/consistent-function-scoping': 'off', // a helper stays next to its only use
  },
  overrides: [
    {
      files: ['lib/**/*.ts', 'functions/**/*.ts', 'infra/**/*.ts'],
      rules: {
        'eslint/max-lines': ['error', { max: 400 }],
        'eslint/max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
        'eslint/max-params': ['error', { max: 4 }],
        'oxc/no-barrel-file': ['error', { threshold: 0 }],
        'eslint/no-restricted-globals': ['error', ...timers],
        'eslint/no-restricted-properties': ['error', ...machine, environment],
      },
    },
    // A handler composes; it has no rule of the domain.
    {
      files: ['functions/{producer,consumer,snapshotter,cleaner,outbox}.ts'],
      rules: { 'eslint/max-lines': ['error', { max: 60 }] },
    },
    {
      // What comes from outside is checked, not cast.
      files: ['lib/*.ts', 'lib/{aws,sender,cli}/**/*.ts', 'functions/**/*.ts', 'infra/**/*.ts'],
      rules: { 'typescript/no-unsafe-type-assertion': 'error' },
    },
    {
      // Hot code passes numbers one by one: an object would be an allocation for each call.
      files: ['lib/{bytes,state,blob,indexes}/**/*.ts'],
      rules: { 'eslint/max-params': ['error', { max: 6 }] },
    },
    {
      files: ['test/**/*.ts'],
      rules: {
        'eslint/max-lines': ['error', { max: 600 }],
        'eslint/no-useless-concat': 'off',
        'typescript/unbound-method': 'off',
      },
    },
    { files: ['lib/*.ts'], rules: restrictedImports([outward, ...packagesOutsideOf('lib')]) },
    { files: doors.map((door) => `lib/${door}.ts`), rules: { 'oxc/no-barrel-file': 'off' } },
    ...layerOverrides,
    {
      files: clockless.map((folder) => `lib/${folder}/**/*.ts`),
      rules: { 'eslint/no-restricted-globals': ['error', ...timers, ...surroundings] },
    },
    {
      files: ['functions/**/*.ts'],
      rules: restrictedImports([
        ...packagesOutsideOf('functions'),
        { regex: '^(\\.\\./)+(infra|test|examples)/', message: 'Functions compose lib and nothing else.' },
      ]),
    },
    {
      files: ['infra/**/*.ts'],
      rules: restrictedImports([
        ...packagesOutsideOf('infra'),
        {
          // Patterns as in .gitignore: the linter's regular expressions cannot look ahead.
          group: [
            '**/lib/**',
            ...['health-rules', 'runtime-settings', 'settings', 'limits', 'metric-names'].map(
              (file) => `!**/lib/${file}.ts`,
            ),
          ],
          message:
            'infra imports only settings.ts, runtime-settings.ts, limits.ts, health-rules.ts and metric-names.ts of lib.',
        },
        {
          regex: '^(\\.\\./)+(functions|test|examples)/',
          message: 'infra names built bundles, never their source.',
        },
      ]),
    },
    {
      // The machine's own clock, timers and randomness, behind the ports.
      files: ['lib/**/system-*.ts', 'lib/local-cloud/**/*.ts', 'lib/cli/**/*.ts'],
      rules: {
        'eslint/no-restricted-globals': 'off',
        'eslint/no-restricted-properties': ['error', environment],
      },
    },
    {
      files: [...environmentReaders],
      rules: { 'eslint/no-restricted-properties': 'off' },
    },
    { files: ['functions/runtime.ts'], rules: { 'eslint/no-restricted-properties': ['error', ...machine] } },
  ],
});
