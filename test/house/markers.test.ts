import { describe, expect, it } from 'vitest';
import { codeOf, importsOf, placesOf, type SourceFile, sourceFiles } from '../support/source-tree.ts';

/** This file spells the markers in order to find them. */
const files = sourceFiles('lib', 'functions', 'infra', 'test', 'examples', '.').filter(
  (file) => file.path !== 'test/house/markers.test.ts',
);

describe('unfinished work', () => {
  it('is not left behind as a marker', () => {
    const markers = /\b(?:TODO|FIXME|XXX|HACK)\b|Error\(['"`]not (?:yet )?implemented/;
    expect(files.flatMap((file) => placesOf(file, file.text, markers))).toEqual([]);
  });

  it('is not hidden from the compiler or the linter', () => {
    const silencers =
      /@ts-(?:ignore|nocheck|expect-error)|(?:eslint|oxlint|biome)-(?:disable|ignore)(?!.* -- \S)/;
    expect(files.flatMap((file) => placesOf(file, file.text, silencers))).toEqual([]);
  });

  it('is not hidden behind a narrowed or skipped test', () => {
    const hidden =
      /\b(?:it|test|describe|suite|bench)\s*\.\s*(?:only|skip|todo|fails)\b|\bx(?:it|describe)\s*\(/;
    expect(files.flatMap((file) => placesOf(file, codeOf(file.text), hidden))).toEqual([]);
  });

  it('is skipped only for something that is missing here, by a file that prints what', () => {
    // One test: `context.skip(condition, 'reason')` prints the reason. A suite: skipIf on what an …-availability.ts says.
    const conditional = /\.\s*(?:skipIf|runIf)\b/;
    const isExplained = (file: SourceFile) =>
      importsOf(file).some(({ target }) => target?.endsWith('-availability.ts') === true);
    const silent = files
      .filter((file) => !isExplained(file))
      .flatMap((file) => placesOf(file, codeOf(file.text), conditional));
    expect(silent).toEqual([]);
    const explainers = files.filter((file) => file.path.endsWith('-availability.ts'));
    expect(
      explainers.filter(({ text }) => !/\b(?:console\.\w+|(?:stdout|stderr)\.write)\(/.test(text)),
    ).toEqual([]);
  });
});
