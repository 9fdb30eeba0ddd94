import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { doors } from '../support/layers.ts';
import { isFile, root } from '../support/source-tree.ts';

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string>>;
}

const readJson = (path: string): unknown => JSON.parse(readFileSync(join(root, path), 'utf8'));
const manifest = readJson('package.json') as Manifest;
const lock = readJson('package-lock.json') as {
  packages: Record<string, Manifest & { readonly inBundle?: boolean }>;
};

/** As Node looks it up: in the package's own node_modules, then upwards. */
const foundFrom = (path: string, name: string): boolean => {
  const inside = path === '' ? '' : `${path}/`;
  if (lock.packages[`${inside}node_modules/${name}`] !== undefined) return true;
  return path !== '' && foundFrom(path.slice(0, Math.max(0, path.lastIndexOf('node_modules/') - 1)), name);
};

const tracked = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
})
  .toString()
  .split('\0')
  .filter((path) => path !== '' && isFile(path));
const texts = tracked
  .filter((path) =>
    /\.(ts|js|mjs|json|md|ya?ml|html|css|txt|hollow)$|^\.(npmrc|gitignore|ci\/.*)$|file$/i.test(path),
  )
  .filter((path) => path !== 'package-lock.json')
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

describe('package', () => {
  it('pins every version exactly', () => {
    const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
    expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  it('has a lock entry for every optional dependency, or npm ci refuses it elsewhere', () => {
    const missing = Object.entries(lock.packages)
      .filter(([, entry]) => entry.inBundle !== true)
      .flatMap(([path, entry]) =>
        Object.keys(entry.optionalDependencies ?? {})
          .filter((name) => !foundFrom(path, name))
          .map((name) => `${path || 'the project'} needs ${name}`),
      );
    expect(missing).toEqual([]);
  });

  it('exports the doors of lib, the CDK construct and nothing else', () => {
    const doorFiles = [...doors.map((door) => `./lib/${door}.ts`), './infra/index.ts'].filter(isFile);
    expect(Object.values(manifest.exports ?? {}).toSorted()).toEqual(doorFiles.toSorted());
  });
});

describe('every file', () => {
  it('is free of paths that exist on one machine only', () => {
    const local = /(?:^|[^\w.])\/(?:work|root|home|Users)\/[\w.-]+\//m;
    const found = texts.filter(({ text }) => local.test(text) || text.includes(`${root}/`));
    expect(found.map(({ path }) => path)).toEqual([]);
  });

  it('names no package registry', () => {
    const registry =
      /https?:\/\/[\w.-]*(?:registry|artifactory|nexus|verdaccio|mirror|proxy)[\w.-]*\.[a-z]{2,}/i;
    const found = texts.filter(({ text }) => registry.test(text));
    expect(found.map(({ path }) => path)).toEqual([]);
  });
});
