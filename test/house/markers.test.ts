import { describe, expect, it } from 'vitest';
import { codeOf, placesOf, sourceFiles } from '../support/source-tree.ts';

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
    // A test that cannot run here says so when it runs: `context.skip(condition, 'reason')` prints the reason.
    const hidden =
      /\b(?:it|test|describe|suite|bench)\s*\.\s*(?:only|skip|todo|skipIf|runIf|fails)\b|\bx(?:it|describe)\s*\(/;
    expect(files.flatMap((file) => placesOf(file, codeOf(file.text), hidden))).toEqual([]);
  });
});
