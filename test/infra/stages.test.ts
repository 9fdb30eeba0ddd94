import { describe, expect, it } from 'vitest';
import { parseStages, stages } from '../../infra/stages.ts';

const stage = { name: 'qa', region: 'eu-west-1', keepsData: false, logRetentionDays: 7, rollout: 'canary' };

describe('stages', () => {
  it('are those of the app, and production keeps its data', () => {
    expect(stages.map(({ name, keepsData }) => [name, keepsData])).toEqual([
      ['dev', false],
      ['staging', false],
      ['prod', true],
    ]);
    expect(stages.map(({ hasBackups }) => hasBackups)).toEqual([false, false, true]);
  });

  it.each([
    [{ keepData: true }, 'keepData'],
    [{ region: 'Ireland' }, 'region'],
    [{ logRetentionDays: 1 }, 'logRetentionDays'],
    [{ name: 'QA' }, 'name'],
    [{ rollout: 'slow' }, 'rollout'],
    [{ hasBackups: 'daily' }, 'hasBackups'],
    [{ settings: { isPausd: true } }, 'isPausd'],
  ])('refuse what is wrong or unknown before anything is made: %j', (wrong, key) => {
    expect(parseStages([stage])).toEqual([{ ...stage, hasBackups: false }]);
    expect(() => parseStages([{ ...stage, ...wrong }])).toThrow(key);
  });

  it('have a name each', () => {
    expect(() => parseStages([stage, stage])).toThrow('the stage qa is there twice');
  });
});
