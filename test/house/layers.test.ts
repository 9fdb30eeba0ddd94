import { describe, expect, it } from 'vitest';
import {
  clockless,
  composers,
  doors,
  folders,
  imports,
  packageHomes,
  synchronous,
} from '../support/layers.ts';
import { codeOf, importsOf, isFile, placesOf, type SourceFile, sourceFiles } from '../support/source-tree.ts';

const lib = sourceFiles('lib');
const everything = sourceFiles('lib', 'functions', 'infra', 'test', 'examples', '.');

/** `state` for lib/state/x/y.ts, '' for a root file of lib, null outside lib. */
const folderOf = (path: string): string | null => {
  const parts = path.split('/');
  if (parts[0] !== 'lib') return null;
  return parts.length === 2 ? '' : (parts[1] ?? '');
};

const mayImport = (from: string, to: string): boolean =>
  from === to || to === '' || composers.includes(from) || (imports[from] ?? []).includes(to);

const inside = (file: SourceFile) =>
  importsOf(file).flatMap(({ target }) => (target === null ? [] : [target]));

describe('layers', () => {
  it('knows every folder of lib', () => {
    const found = new Set(lib.map((file) => folderOf(file.path)).filter((folder) => folder !== ''));
    expect([...found].filter((folder) => !folders.includes(folder ?? ''))).toEqual([]);
  });

  it('lets a folder import itself, what stands below it, and the root files', () => {
    const breaches = lib.flatMap((file) => {
      const from = folderOf(file.path) ?? '';
      if (from === '') return [];
      return inside(file)
        .filter((target) => {
          const to = folderOf(target);
          return to === null || !mayImport(from, to) || (composers.includes(to) && from !== to);
        })
        .map((target) => `${file.path} imports ${target}`);
    });
    expect(breaches).toEqual([]);
  });

  it('lets root files import root files only, doors excepted', () => {
    const breaches = lib
      .filter((file) => folderOf(file.path) === '' && !doors.includes(file.path.slice(4, -3)))
      .flatMap((file) =>
        inside(file)
          .filter((target) => folderOf(target) !== '')
          .map((target) => `${file.path} imports ${target}`),
      );
    expect(breaches).toEqual([]);
  });

  it('keeps doors for users of the package', () => {
    const doorFiles = doors.map((door) => `lib/${door}.ts`);
    const breaches = lib.flatMap((file) =>
      inside(file)
        .filter((target) => doorFiles.includes(target) && !doorFiles.includes(file.path))
        .map((target) => `${file.path} imports ${target}`),
    );
    expect(breaches).toEqual([]);
  });

  it('gives infra settings, limits, bounds of health and metric names, and nothing else of lib', () => {
    const allowed = ['health-rules', 'limits', 'metric-names', 'runtime-settings', 'settings'].map(
      (name) => `lib/${name}.ts`,
    );
    const breaches = sourceFiles('infra').flatMap((file) =>
      inside(file)
        .filter((target) => !target.startsWith('infra/') && !allowed.includes(target))
        .map((target) => `${file.path} imports ${target}`),
    );
    expect(breaches).toEqual([]);
  });

  it('keeps each outside package in its one home', () => {
    const exempt = (path: string, home: string): boolean =>
      path.startsWith(`${home}/`) ||
      /^(test|examples)\//.test(path) ||
      (home === 'lib/aws' && isComposerFile(path));
    const isComposerFile = (path: string) => composers.some((folder) => path.startsWith(`lib/${folder}/`));
    const breaches = everything.flatMap((file) =>
      importsOf(file).flatMap(({ specifier }) =>
        packageHomes
          .filter((rule) => new RegExp(rule.pattern).test(specifier) && !exempt(file.path, rule.home))
          .map((rule) => `${file.path} imports ${specifier}: ${rule.instead}`),
      ),
    );
    expect(breaches).toEqual([]);
  });

  it('keeps Node built-ins out of what runs in browsers and in the simulator', () => {
    const breaches = lib
      .filter((file) => clockless.includes(folderOf(file.path) ?? ''))
      .flatMap((file) =>
        importsOf(file)
          .filter(({ specifier }) => specifier.startsWith('node:'))
          .map(({ specifier }) => `${file.path} imports ${specifier}`),
      );
    expect(breaches).toEqual([]);
  });

  it('keeps the lower layers synchronous', () => {
    const breaches = lib
      .filter((file) => synchronous.includes(folderOf(file.path) ?? ''))
      .flatMap((file) => placesOf(file, codeOf(file.text), /\basync\b|\bawait\b/));
    expect(breaches).toEqual([]);
  });

  it('has every imported file', () => {
    const missing = everything.flatMap((file) =>
      inside(file)
        .filter((target) => !target.startsWith('dist/') && !isFile(target))
        .map((target) => `${file.path} imports ${target}`),
    );
    expect(missing).toEqual([]);
  });

  it('has no cycle of imports, types included', () => {
    const edges = new Map(everything.map((file) => [file.path, inside(file)]));
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) {
        cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
        return;
      }
      if (done.has(path)) return;
      for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
      done.add(path);
    };
    for (const path of edges.keys()) visit(path, []);
    expect(cycles).toEqual([]);
  });
});
