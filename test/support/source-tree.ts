/** Reading the project's own sources: which files there are, what they import, what they say without comments. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export const root: string = join(import.meta.dirname, '..', '..');

export interface SourceFile {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** TypeScript sources under these folders, and the ones in the root when '.' is among them. */
export function sourceFiles(...folders: readonly string[]): readonly SourceFile[] {
  const patterns = folders.map((folder) => (folder === '.' ? '*.ts' : `${folder}/**/*.ts`));
  return globSync(patterns, { cwd: root })
    .filter((path) => !path.includes('node_modules'))
    .toSorted()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

const token =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`|\/(?![*/])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[dgimsuvy]*(?=\s*[.,;)\]])/g;

const blank = (text: string): string => text.replaceAll(/[^\n]/g, ' ');

/** The text with comments blanked out, line numbers kept. Strings stay: import paths are strings. */
function withoutComments(text: string): string {
  return text.replaceAll(token, (found) =>
    found.startsWith('//') || found.startsWith('/*') ? blank(found) : found,
  );
}

/** The code alone: comments, strings, templates and regular expressions blanked out, line numbers kept. */
export function codeOf(text: string): string {
  return text.replaceAll(token, blank);
}

const importForms = [
  /^\s*(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^\s*import\s*['"]([^'"]+)['"]/gm,
  /\bimport\(\s*['"]([^'"]+)['"]/g,
];

export interface Import {
  readonly specifier: string;
  /** Path relative to the root when the specifier is relative, else null: a package or a built-in. */
  readonly target: string | null;
}

/** Every import of a file: static, re-export, type-only (the layers hold for types too), side-effect and dynamic. */
export function importsOf(file: SourceFile): readonly Import[] {
  const text = withoutComments(file.text);
  return importForms
    .flatMap((form) => [...text.matchAll(form)])
    .map((match) => match[1] ?? '')
    .map((specifier) => ({
      specifier,
      target: specifier.startsWith('.') ? normalize(join(dirname(file.path), specifier)) : null,
    }));
}

export const isFile = (path: string): boolean => existsSync(join(root, path));

/** `path:line` of each match of the pattern in the text. */
export function placesOf(file: SourceFile, text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(new RegExp(pattern, `${pattern.flags}g`))].map(
    (match) => `${file.path}:${text.slice(0, match.index).split('\n').length}`,
  );
}
