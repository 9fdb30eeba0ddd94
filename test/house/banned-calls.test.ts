import { describe, expect, it } from 'vitest';
import { environmentReaders } from '../support/layers.ts';
import { codeOf, placesOf, type SourceFile, sourceFiles } from '../support/source-tree.ts';

interface Ban {
  readonly what: string;
  readonly pattern: RegExp;
  readonly instead: string;
  /** Files that may: the one place where the machine stands behind a port. */
  readonly allowed: RegExp;
}

/** The emulated cloud and the command line are programs of their own; the machine's clock is behind `system-…` files. */
const machine = /^lib\/(local-cloud|cli)\/|^lib\/(.*\/)?system-[a-z-]+\.ts$/;

const bans: readonly Ban[] = [
  { what: 'Date.now', pattern: /\bDate\.now\b/, instead: 'Clock.nowMs()', allowed: machine },
  { what: 'new Date()', pattern: /\bnew Date\(\s*\)/, instead: 'new Date(clock.nowMs())', allowed: machine },
  {
    what: 'performance.now',
    pattern: /\bperformance\.now\b/,
    instead: 'Clock.monotonicMs()',
    allowed: machine,
  },
  {
    what: 'process.hrtime',
    pattern: /\bprocess\.hrtime\b/,
    instead: 'Clock.monotonicMs()',
    allowed: machine,
  },
  { what: 'Math.random', pattern: /\bMath\.random\b/, instead: 'Random.uniform()', allowed: machine },
  {
    what: 'timers',
    pattern: /\b(setTimeout|setInterval|setImmediate)\s*\(/,
    instead: 'Clock.sleep()',
    allowed: machine,
  },
  {
    what: 'process.env',
    pattern: /\bprocess\s*\.\s*env\b|\{\s*env\s*\}\s*=\s*process\b/,
    instead: 'settings, parsed once where a program starts (test/support/layers.ts, environmentReaders)',
    allowed: new RegExp(environmentReaders.map((path) => `^${path.replaceAll('.', '\\.')}$`).join('|')),
  },
  {
    what: 'console',
    pattern: /\bconsole\s*\./,
    instead: 'the Telemetry port; programs write to process.stdout',
    allowed: /^lib\/(local-cloud|cli)\/|^infra\/app\.ts$/,
  },
  {
    what: 'inheritance other than from Error',
    pattern: /\bclass\s+\w+(?:<[^>{]*>)?\s+extends\s+(?!Error\b|Construct\b|Stack\b)\w+/,
    instead: 'a function, or an object that is passed in',
    allowed: /^$/,
  },
];

const shipped = sourceFiles('lib', 'functions', 'infra');

const breachesOf = (ban: Ban, files: readonly SourceFile[]): readonly string[] =>
  files
    .filter((file) => !ban.allowed.test(file.path))
    .flatMap((file) => placesOf(file, codeOf(file.text), ban.pattern))
    .map((place) => `${place}: use ${ban.instead}`);

describe('banned calls', () => {
  it.each(bans)('has no $what outside its home', (ban) => {
    expect(breachesOf(ban, shipped)).toEqual([]);
  });

  it('sees a planted breach of each', () => {
    const planted = [
      'const a = Date.now();',
      'const b = new Date();',
      'const c = performance.now();',
      'const d = process.hrtime.bigint();',
      'const e = Math.random();',
      'setTimeout(() => {}, 1);',
      'const g = process.env;',
      'console.log(1);',
      'class Special extends Ordinary {}',
    ];
    const found = bans.map((ban, index) =>
      breachesOf(ban, [{ path: 'lib/state/planted.ts', text: planted[index] ?? '' }]),
    );
    expect(found.filter((places) => places.length === 0)).toEqual([]);
  });

  it('does not see words in comments and strings', () => {
    const text = "// Date.now()\nconst a = 'Date.now()'; /* Math.random() */";
    expect(bans.flatMap((ban) => breachesOf(ban, [{ path: 'lib/state/quiet.ts', text }]))).toEqual([]);
  });
});
