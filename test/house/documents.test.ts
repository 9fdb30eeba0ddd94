import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../support/source-tree.ts';

const pages = [...globSync(['*.md', 'docs/**/*.md', 'test/**/*.md', 'examples/**/*.md'], { cwd: root })]
  .filter((path) => !path.includes('node_modules'))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

const exists = (path: string): boolean => existsSync(join(root, path));

describe('the documents', () => {
  it('name files of the project that exist', () => {
    const named = /`((?:lib|functions|infra|test|examples|docs)\/[\w./-]+\.(?:ts|md|json))`/g;
    const missing = pages.flatMap(({ path, text }) =>
      [...text.matchAll(named)]
        .filter(([, name = '']) => !exists(name))
        .map(([, name]) => `${path}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('link to files that exist', () => {
    const links = /\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)/g;
    const broken = pages.flatMap(({ path, text }) =>
      [...text.matchAll(links)]
        .filter(([, target = '']) => !exists(join(dirname(path), target)))
        .map(([, target]) => `${path}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('answer every box of the production checklist, each answer that is yes with what shows it', () => {
    const checklist = readFileSync(join(root, 'docs/checklist.md'), 'utf8');
    const rows = [...checklist.matchAll(/^\| (\d+) \|(.*)\|$/gm)].map(([, number, rest = '']) => {
      const [box, answer, , shown] = rest.split(' | ').map((cell) => cell.trim());
      return { number: Number(number), box, answer, shown };
    });
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 95 }, (_, at) => at + 1));
    for (const { number, answer, shown } of rows) {
      expect(['yes', 'part', 'no'], `row ${number}`).toContain(answer);
      if (answer !== 'no') expect(shown, `row ${number} names what shows it`).toMatch(/\S/);
    }
  });
});
