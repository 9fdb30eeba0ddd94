/** The npm package as its users get it: packed, unpacked into a node_modules, imported, and compiled against. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage } from '../../build.ts';
import { runHollowCaptured } from '../support/captured-terminal.ts';
import { doors } from '../support/layers.ts';
import { root } from '../support/source-tree.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const run = promisify(execFile);
const { path: home, remove } = await temporaryDirectory();
const installed = join(home, 'node_modules/serverless-hollow');
/** Another user, who has installed nothing that is optional. */
const { path: bare, remove: removeBare } = await temporaryDirectory();
/** For the doors `./aws` and `./infra`, and for the command. */
const dependenciesOfUsers = [
  ...['appconfigdata', 'codedeploy', 'dynamodb', 'eventbridge', 'lambda', 's3', 'sqs'].map(
    (name) => `@aws-sdk/client-${name}`,
  ),
  ...['aws-cdk-lib', 'commander', 'constructs', 'fastify'],
];
const specifierOf = (door: string): string => (door === 'index' ? '' : `/${door}`);

interface Published {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly bin: Readonly<Record<string, string>>;
}

/** Unpacks, and links packages to those of this checkout: a test must not need a network. */
function install(tarball: string, place: string, optional: readonly string[]): Published {
  const target = join(place, 'node_modules/serverless-hollow');
  mkdirSync(target, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', target]);
  const manifest = JSON.parse(readFileSync(join(target, 'package.json'), 'utf8')) as Published;
  for (const name of [...Object.keys(manifest.dependencies), ...optional]) {
    linkTo(join(root, 'node_modules', name), join(place, 'node_modules', name));
  }
  for (const [name, file] of Object.entries(manifest.bin)) {
    linkTo(join(target, file), join(place, 'node_modules/.bin', name));
  }
  writeFileSync(join(place, 'package.json'), '{ "type": "module" }');
  return manifest;
}

function linkTo(target: string, link: string): void {
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(target, link);
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, with the Node of this test in front. */
async function ended(program: string, args: readonly string[], cwd: string): Promise<Ended> {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` };
  try {
    return { code: 0, ...(await run(program, args, { cwd, env })) };
  } catch (error) {
    return error as Ended;
  }
}

/** What the compiler says, a line for each error. */
async function compile(file: string, text: string, options: object): Promise<readonly string[]> {
  const strict = { strict: true, noEmit: true, module: 'nodenext', target: 'es2024', lib: ['es2024'] };
  writeFileSync(join(home, file), text);
  const config = { compilerOptions: { ...strict, ...options }, files: [file] };
  writeFileSync(join(home, `${file}.json`), JSON.stringify(config));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const result = await run(process.execPath, [tsc, '-p', `${file}.json`, '--pretty', 'false'], {
    cwd: home,
  }).catch((error: { stdout: string }) => error);
  return result.stdout.split('\n').filter((line) => /^\S.*error TS/.test(line));
}

beforeAll(() => {
  buildPackage();
  execFileSync('npm', ['pack', '--silent', '--pack-destination', home], { cwd: join(root, 'dist/package') });
  const tarball = join(home, readdirSync(home).find((name) => name.endsWith('.tgz')) ?? '');
  const { peerDependencies } = install(tarball, home, [...dependenciesOfUsers, '@types/node']);
  expect(Object.keys(peerDependencies)).toEqual(dependenciesOfUsers);
  install(tarball, bare, []);
}, 120_000);
afterAll(() => Promise.all([remove(), removeBare()]));

const definition = `
import { Consumer, type ConsumerSource, defineDataset, messageBody, type RecordOf, t, type } from 'serverless-hollow';
declare const source: ConsumerSource;
const cities = defineDataset({
  City: type({ id: t.int(), name: t.string(), tags: t.set(t.string()) }, { primaryKey: ['id'] }),
  Note: type({ text: t.string() }),
});
type City = RecordOf<typeof cities, 'City'>;
const consumer = new Consumer({ ...source, dataset: cities });
`;

describe('the package', () => {
  it('has doors that open', async () => {
    const imports = doors.map((door) => `import * as ${door} from 'serverless-hollow${specifierOf(door)}';`);
    const text = `${imports.join('\n')}\nprocess.stdout.write(JSON.stringify({
      ${doors.map((door) => `${door}: Object.keys(${door})`).join(', ')} }));`;
    writeFileSync(join(home, 'doors.js'), text);
    const { stdout } = await run(process.execPath, ['doors.js'], { cwd: home });
    expect(JSON.parse(stdout)).toEqual({
      index: expect.arrayContaining(['Consumer', 'DatasetError', 'defineDataset', 't', 'type']),
      engine: expect.arrayContaining(['TypedState', 'WriteState', 'applyDelta', 'decodeSnapshot']),
      producer: expect.arrayContaining(['Producer', 'putClaim', 'requiredType']),
      housekeeping: expect.arrayContaining([
        'Snapshotter',
        'clean',
        'pinVersion',
        'restoreChain',
        'rollback',
      ]),
      sender: ['BlobInbox', 'Sender'],
      aws: expect.arrayContaining(['AwsBlobStore', 'AwsHeadStore', 's3Client']),
      local: expect.arrayContaining(['LocalBlobStore', 'systemClock']),
      testing: expect.arrayContaining(['MemoryBlobStore', 'SeededRandom', 'VirtualClock']),
    });
  });

  it('opens all doors but ./aws where nothing optional is installed', async () => {
    const others = doors.filter((door) => door !== 'aws');
    const open = (door: string): string => `await import('serverless-hollow${specifierOf(door)}');`;
    writeFileSync(join(bare, 'others.js'), others.map(open).join('\n'));
    expect(await ended(process.execPath, ['others.js'], bare)).toMatchObject({ code: 0, stderr: '' });
    writeFileSync(join(bare, 'aws.js'), open('aws'));
    const { code, stderr } = await ended(process.execPath, ['aws.js'], bare);
    expect(code).toBe(1);
    expect(stderr).toContain(`Cannot find package '@aws-sdk/`);
  });

  it('depends on what it imports and on nothing else', () => {
    const imported = new Set<string>();
    const files = ['lib', 'infra'].flatMap((folder) =>
      readdirSync(join(installed, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
        join(folder, file),
      ),
    );
    for (const file of files) {
      if (!file.endsWith('.js')) continue;
      const text = readFileSync(join(installed, file), 'utf8');
      for (const [, name = ''] of text.matchAll(
        /^import [^;]*'((?:@[a-z-]+\/)?[a-z][a-z0-9-]*)[^':]*';$/gm,
      )) {
        imported.add(name);
      }
    }
    const { dependencies, peerDependencies } = JSON.parse(
      readFileSync(join(installed, 'package.json'), 'utf8'),
    ) as Published;
    expect(Object.keys({ ...dependencies, ...peerDependencies }).toSorted()).toEqual(
      [...imported].toSorted(),
    );
    expect(Object.keys(dependencies)).toEqual(['zod']);
  });

  /** Modules of others that a door leads to. */
  function modulesBehind(door: string): readonly string[] {
    const seen = new Set<string>();
    const outside = new Set<string>();
    const follow = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(
        /^(?:import|export)\b[^;]*? from '([^']+)'/gm,
      )) {
        if (specifier.startsWith('.')) follow(join(dirname(file), specifier));
        else outside.add(specifier);
      }
    };
    follow(join(installed, `lib/${door}.js`));
    expect(seen.size).toBeGreaterThan(10);
    return [...outside].toSorted();
  }

  it('has the pages that its README links to', () => {
    const readme = readFileSync(join(installed, 'README.md'), 'utf8');
    const links = Array.from(readme.matchAll(/\]\(([^)#:]+)\)/g), ([, link = '']) => link);
    expect(links.length).toBeGreaterThan(10);
    for (const link of links) expect(existsSync(join(installed, link)), link).toBe(true);
  });

  it.each(['index', 'engine'])(
    'has a door %s without a single module of Node, of the SDK, or of anybody else',
    (door) => {
      expect(modulesBehind(door)).toEqual([]);
    },
  );

  it('needs no more of the SDK for its adapters than README and guide say', () => {
    const clients = ['dynamodb', 'eventbridge', 's3', 'sqs'].map((name) => `@aws-sdk/client-${name}`);
    const behind = modulesBehind('aws').filter((name) => !name.startsWith('node:'));
    expect(behind).toEqual(clients);
    const guide = readFileSync(join(root, 'docs/guide.md'), 'utf8');
    for (const name of clients) expect(guide).toContain(name);
  });

  it('has types that need nothing but AbortSignal, which browsers and Node have', async () => {
    const text = `${definition}
      import { Producer } from 'serverless-hollow/producer';
      import { MemoryBlobStore } from 'serverless-hollow/testing';
      const nameOf = (city: City): string | null => city.name;
      const name: string | null = nameOf(consumer.get('City', 1));
      const has: boolean | undefined = consumer.find('City', 2)?.tags?.has('x');
      for (const note of consumer.state.type('Note')) { const text: string | null = note.text; }
      const body: string = messageBody(cities, [{ op: 'upsert', type: 'City', value: { id: 1, tags: ['x'] } }]);
      export { Producer, MemoryBlobStore, name, has, body };`;
    expect(
      await compile('user.ts', text, { skipLibCheck: false, types: [], lib: ['es2024', 'dom'] }),
    ).toEqual([]);
  });

  it('has types that declarations of users can name', async () => {
    const text = `
      import { Consumer, type ConsumerSource, defineDataset, t, type } from 'serverless-hollow';
      declare const source: ConsumerSource;
      const [text, code] = [t.string(), t.enum(['a', 'b'], { type: 'Code' })];
      export const dataset = defineDataset({
        All: type(
          { id: t.int(), text, code, other: t.ref('All'), list: t.list(text), set: t.set(t.date()), map: t.map(code, t.ref('All')) },
          { primaryKey: ['id'] },
        ),
      });
      export const consumer = new Consumer({ ...source, dataset });
      export const all = consumer.get('All', 1);
      export const [plain, json, map] = [all.toObject(), all.toJSON(), all.map];
      export const records = consumer.state.type('All');
      export const column = records.column('id');
      export const validator = dataset.validator('All');`;
    expect(await compile('library.ts', text, { skipLibCheck: true, types: [], declaration: true })).toEqual(
      [],
    );
  });

  it('has types for every door', async () => {
    const text = doors
      .map((door) => `export * as ${door} from 'serverless-hollow${specifierOf(door)}';`)
      .join('\n');
    expect(await compile('all.ts', text, { skipLibCheck: true, types: ['node'] })).toEqual([]);
  });

  it('refuses at compile time what would fail at run time', async () => {
    const mistakes: readonly (readonly [code: string, error: string])[] = [
      [`consumer.get('Ctiy', 1);`, `"Ctiy"`],
      [`consumer.get('Note', 'x');`, `"Note"`],
      [`consumer.get('City', '1');`, `'string'`],
      [`consumer.get('City');`, `Expected 2 arguments`],
      [`consumer.get('City', 1).nmae;`, `'nmae'`],
      [`consumer.find('City', 1).name;`, `possibly 'undefined'`],
      [`consumer.get('City', 1).tags!.has(1);`, `'number'`],
      [`consumer.state.type('City').get(1, 2);`, `Expected 1 arguments`],
      [`new Consumer<typeof cities>(source);`, `'ConsumerSource' is not assignable`],
      [`cities.validator('Memo');`, `"Memo"`],
      [`messageBody(cities, [{ op: 'upsert', type: 'City', value: { id: 'x' } }]);`, `'string'`],
      [`messageBody(cities, [{ op: 'patch', type: 'City', key: { id: 1 }, fields: { id: 2 } }]);`, `id`],
      [`type({ id: t.int() }, { primaryKey: ['di'] });`, `"di"`],
      [`t.list(t.bytes());`, `BYTES`],
    ];
    const lines = definition.split('\n').length;
    const text = `${definition}\n${mistakes.map(([code]) => code).join('\n')}\nexport type { City };`;
    const errors = await compile('bad.ts', text, { skipLibCheck: true, types: [] });
    const found = mistakes.map(([code], i) => {
      const at = `bad.ts(${lines + 1 + i},`;
      return [code, errors.filter((line) => line.startsWith(at)).join(' ')] as const;
    });
    for (const [i, [code, error]] of found.entries()) expect(error, code).toContain(mistakes[i]?.[1]);
  });
});

describe('the construct', () => {
  it('goes into a stack of a user, with the bundles that came with the package', async () => {
    const source = readFileSync(join(root, 'examples/own-stack/app.ts'), 'utf8');
    expect(source.split('\n').length).toBeLessThan(40);
    const containers = `import { Vpc } from 'aws-cdk-lib/aws-ec2';
      prices.addContainerService('Containers', { vpc: new Vpc(stack, 'Vpc') });`;
    expect(
      await compile('app.ts', `${source}${containers}`, { skipLibCheck: true, types: ['node'] }),
    ).toEqual([]);
    const outdir = join(home, 'cdk.out');
    // test/infra validates templates; here it would cost as much as all the rest.
    const environment = { ...process.env, CDK_OUTDIR: outdir, CDK_VALIDATION: 'false' };
    await run(process.execPath, ['app.ts'], { cwd: home, env: environment });
    const template = readFileSync(join(outdir, 'Shop.template.json'), 'utf8');
    const count = (type: string) => template.split(`"Type": "${type}"`).length - 1;
    expect(count('AWS::Lambda::EventSourceMapping')).toBe(2);
    expect(count('AWS::Lambda::Function')).toBe(9);
    const bundles = readdirSync(outdir)
      .filter((name) => name.startsWith('asset.'))
      .map((name) => readdirSync(join(outdir, name)).toSorted());
    expect(bundles.filter((names) => !names.includes('Dockerfile'))).toEqual(
      Array.from({ length: 7 }, () => ['index.mjs', 'index.mjs.map']),
    );
    expect(bundles.filter((names) => names.includes('Dockerfile'))).toEqual([
      ['.dockerignore', 'Dockerfile', 'dist'],
    ]);
  }, 60_000);
});

describe('the command', () => {
  const fixture = (name: string): string => join(root, 'test/golden/fixtures/tiny-worked-example', name);
  const programs = {
    installed: (...args: string[]) => ended(join(home, 'node_modules/.bin/hollow'), args, home),
    'of a checkout': (...args: string[]) => ended('npm', ['run', '-s', 'hollow', '--', ...args], root),
  };

  it.each(Object.entries(programs))('%s prints its own output only', async (_, hollow) => {
    const expected = await runHollowCaptured('dump', fixture('snapshot-1'), fixture('delta-1-2'));
    expect(expected.output.length).toBeGreaterThan(100);
    expect(await hollow('dump', fixture('snapshot-1'), fixture('delta-1-2'))).toEqual({
      code: 0,
      stdout: expected.output,
      stderr: '',
    });
  });

  it.each(Object.entries(programs))(
    '%s ends with the exit code that says what happened',
    async (_, hollow) => {
      const runs = [
        hollow('diff', fixture('snapshot-1'), fixture('snapshot-1')),
        hollow('diff', fixture('snapshot-1'), fixture('snapshot-2')),
        hollow('dump'),
        hollow('dump', fixture('expected-1.json')),
        hollow('dump', fixture('snapshot-2'), fixture('delta-1-2')),
        hollow('dump', fixture('missing')),
      ];
      expect((await Promise.all(runs)).map(({ code }) => code)).toEqual([0, 1, 2, 5, 6, 9]);
    },
  );

  it('says what it needs where that is not installed', async () => {
    const { code, stdout, stderr } = await ended(join(bare, 'node_modules/.bin/hollow'), ['--help'], bare);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe("hollow: the command needs the package 'commander': npm install commander\n");
  });
});
