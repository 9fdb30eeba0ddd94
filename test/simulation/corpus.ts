import { drawScenario, type Scenario } from './scenario.ts';

/** A run that was once worth its while, and why. */
export interface Remembered {
  readonly why: string;
  readonly scenario: Scenario;
}

/**
 * Runs to be made again whatever else is drawn: those in which hard mutants are caught, so that the race is really there,
 * and those that found something. Changes of the order of draws move them to other races; then they are ordinary runs, and
 * `npm run sim -- --mutants` says which seeds to name instead.
 */
export const corpus: readonly Remembered[] = [
  {
    why: 'a table that is set back needs what a cleaner deletes (cleanBeforeFloor)',
    scenario: drawScenario(116),
  },
  { why: 'the floor record is above the restored floor (restoreLowersFloor)', scenario: drawScenario(137) },
  { why: 'a commit under way is referenced by nobody yet (cleanUnreferenced)', scenario: drawScenario(99) },
  { why: 'a snapshot of a lost timeline is registered late (noEraInSnapshots)', scenario: drawScenario(287) },
  {
    why: 'a producer dies between its commit and its announcement (outboxDead)',
    scenario: drawScenario(120),
  },
  { why: 'an upsert comes after its deletion was purged (purgeNoWatermark)', scenario: drawScenario(89) },
  {
    why: 'a restore that did not read the table for small deltas waited for ever',
    scenario: drawScenario(95),
  },
  {
    why: 'a patch by a clock that is ahead stays on a record that a rollback brought back',
    scenario: drawScenario(9_428),
  },
  {
    why: 'a message comes to the queue late, when it was thought to be empty',
    scenario: drawScenario(9_378),
  },
  {
    why: 'a cleaner of an era that was over raised the floor record, and the next restore was refused for it',
    scenario: drawScenario(121_318),
  },
  {
    why: 'the write of one rescue comes after the next loss, which set the table back to what it was planned on',
    scenario: drawScenario(117_624),
  },
  {
    why: 'a record is brought back that is in one of two versions with a pin of that name',
    scenario: drawScenario(103_246),
  },
  {
    why: 'another commit comes into an advance of the schema (advanceUnconditional)',
    scenario: drawScenario(113),
  },
  {
    why: 'a table that is set back has the old schema again, and every producer has advanced it before',
    scenario: {
      ...drawScenario(18),
      messages: 12,
      neighbour: 'none',
      deployments: [
        { at: 0.1, producers: 1, bundle: 'new' },
        { at: 0.3, producers: 4, bundle: 'new' },
      ],
      disasters: [{ at: 0.9, back: 9 }],
    },
  },
  {
    why: 'two losses of the table within a run, everybody at work, everything purged at once',
    scenario: {
      ...drawScenario(95),
      seed: 95_001,
      cleaners: 2,
      snapshotters: 2,
      pinners: 1,
      operators: 1,
      purgeHorizonMs: 2_000,
      disasters: [
        { at: 0.4, back: 5 },
        { at: 0.8, back: 9 },
      ],
    },
  },
];
