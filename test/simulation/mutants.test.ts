import { describe, expect, it } from 'vitest';
import { mutants } from './mutants.ts';
import { drawScenario } from './scenario.ts';
import { simulate } from './simulate.ts';

const seedsMax = 200;

/** Which invariants may catch which mutant: one that fails for another reason is no proof that the invariant works. */
const catchers: Readonly<Record<string, readonly string[]>> = {
  ackBeforeCommit: ['S4'],
  deleteAllOnPartial: ['S4'],
  ambiguousIsSuccess: ['S4', 'S2', 'S3'],
  conflictIsSuccess: ['S4', 'S2', 'S3'],
  unconditionalCommit: ['S1', 'S2', 'S6'],
  dirtyCache: ['S4', 'S2', 'S3'],
  announceBeforeCommit: ['S5'],
  trimRecent: ['S6'],
  deleteBlobOnConflict: ['S6'],
  noLastWriterWins: ['S2', 'S3', 'S4'],
  keyWithoutCid: ['S6', 'S2'],
  overwriteBlob: ['S8'],
  commitBeforeBlob: ['S2', 'S6'],
  skipBookkeepingPart: ['S2', 'S6'],
  skipQuarantine: ['S4'],
  noPoll: ['L2'],
  consumerForgets: ['S5'],
  registerBeforeSnapshot: ['S6'],
};

describe('a protocol that is wrong on purpose is caught', () => {
  it('and every one of them is listed', () => {
    expect(Object.keys(catchers).sort()).toEqual(Object.keys(mutants).sort());
  });

  it.each(Object.entries(mutants))('%s', { timeout: 120_000 }, async (name, mutant) => {
    for (let seed = 0; seed < seedsMax; seed++) {
      const { violation } = await simulate({ scenario: drawScenario(seed), mutant });
      if (violation === null) continue;
      expect(catchers[name]).toContain(violation.invariant);
      return;
    }
    expect.unreachable(`${name} survived ${seedsMax} seeds`);
  });
});
