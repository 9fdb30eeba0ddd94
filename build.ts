/**
 * Everything that is built is built here: the artefact that is tested is the one deployed.
 *
 *   dist/<function>/index.mjs   one bundle per Lambda handler, and one for the long-lived consumer service
 *   dist/package/               with `--package`: the npm package, JavaScript and types of the public doors, and the
 *                               bundles that the CDK construct deploys
 *
 * The output depends on the sources and the lock file only: no time, no path of this machine.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = import.meta.dirname;

/** Folder under dist -> entry point. infra and the local cloud name the folders. */
export const bundles = {
  producer: 'functions/producer.ts',
  consumer: 'functions/consumer.ts',
  snapshotter: 'functions/snapshotter.ts',
  cleaner: 'functions/cleaner.ts',
  purger: 'functions/purger.ts',
  outbox: 'functions/outbox.ts',
  'deploy-check': 'functions/deploy-check.ts',
  'consumer-service': 'lib/cli/main.ts',
} as const;

/** Some dependencies are CommonJS and call `require`, which an ES module does not have. */
const banner = "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);";

export interface BuiltBundle {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly gzipSize: number;
}

/** One bundle into dist/<name>. `entry`: path of a module from the root. */
export async function buildBundle(name: string, entry: string): Promise<BuiltBundle> {
  const outfile = join(root, 'dist', name, 'index.mjs');
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // The default takes the CommonJS side of the SDK: larger by half and slower to load.
    mainFields: ['module', 'main'],
    minify: true,
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    banner: { js: banner },
    logLevel: 'warning',
  });
  return { name, size: statSync(outfile).size, gzipSize: gzipSync(readFileSync(outfile)).length };
}

/** Builds every bundle into dist. */
export function buildBundles(): Promise<readonly BuiltBundle[]> {
  return Promise.all(Object.entries(bundles).map(([name, entry]) => buildBundle(name, entry)));
}

interface Manifest {
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

/** What `npm install` makes a command, within the package. */
const command = 'lib/cli/hollow.js';

/** The npm package, file by file, so that a user's bundler drops what is not used. Takes the bundles as they are in dist. */
export function buildPackage(): void {
  const target = join(root, 'dist', 'package');
  rmSync(target, { recursive: true, force: true });
  for (const project of ['tsconfig.package.json', 'infra/tsconfig.package.json']) {
    execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', project], { cwd: root, stdio: 'inherit' });
  }
  for (const name of Object.keys(bundles)) {
    cpSync(join(root, 'dist', name), join(target, 'dist', name), { recursive: true });
  }
  const manifest: Manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { name, version, description, license, type, engines } = manifest;
  const exports = Object.fromEntries(
    Object.entries(manifest.exports).map(([door, source]) => {
      const stem = source.replace(/\.ts$/, '');
      return [door, { types: `${stem}.d.ts`, default: `${stem}.js` }];
    }),
  );
  const bin = { hollow: `./${command}` };
  chmodSync(join(target, command), 0o755);
  const needed = dependenciesOf(manifest, target);
  const published = { name, version, description, license, type, engines, exports, bin, ...needed };
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
  // What the README links to, for those who have only the package.
  for (const folder of ['docs', 'examples']) {
    cpSync(join(root, folder), join(target, folder), { recursive: true });
  }
  for (const file of ['LICENSE', 'README.md', 'Dockerfile', '.dockerignore']) {
    if (existsSync(join(root, file))) copyFileSync(join(root, file), join(target, file));
  }
}

/** Gives the package of an import that is neither of a file nor of Node, as the compiler writes it; not of a comment. */
const importPattern =
  /(?:^(?:import|export)\b[^;'"=]*\bfrom |^import |\bimport\()['"]((?:@[\w-]+\/)?[\w-]+)(?:\/[^'":]*)?['"]/gm;

/** What only the doors `./aws` and `./infra` or the command need: whoever uses those installs them. */
const optionalPattern = /^(?:@aws-sdk\/|aws-cdk-lib$|constructs$|commander$|fastify$)/;

/** The packages that the shipped files import and no others, each in a range from the version that is tested here. */
function dependenciesOf({ dependencies, devDependencies }: Manifest, target: string): object {
  const tested = { ...devDependencies, ...dependencies };
  const imported = new Set<string>();
  for (const file of globSync('{lib,infra}/**/*.{js,d.ts}', { cwd: target })) {
    const text = readFileSync(join(target, file), 'utf8');
    for (const [, found = ''] of text.matchAll(importPattern)) imported.add(found);
  }
  const ranges = [...imported].toSorted().map((name): [string, string] => {
    const version = tested[name];
    if (version === undefined) throw new Error(`the package imports ${name}, which is no dependency`);
    return [name, `^${version}`];
  });
  const isOptional = ([name]: readonly [string, string]): boolean => optionalPattern.test(name);
  const peers = ranges.filter(isOptional);
  return {
    dependencies: Object.fromEntries(ranges.filter((range) => !isOptional(range))),
    peerDependencies: Object.fromEntries(peers),
    peerDependenciesMeta: Object.fromEntries(peers.map(([name]) => [name, { optional: true }])),
  };
}

if (import.meta.main) {
  for (const { name, size, gzipSize } of await buildBundles()) {
    const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB`.padStart(8);
    process.stdout.write(
      `dist/${name}/index.mjs`.padEnd(36) + `${kilobytes(size)} ${kilobytes(gzipSize)} gzipped\n`,
    );
  }
  if (process.argv.includes('--package')) buildPackage();
}
