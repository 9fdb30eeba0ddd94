/** What the name of one of CodeDeploy's own deployment configurations for Lambda says. Others are not known here. */
import { DatasetError } from '../../errors.ts';

/** A part of the traffic, 0 to 1, and how long it stays with it before the next step. */
export interface ShiftStep {
  readonly weight: number;
  readonly minutes: number;
}

/**
 * The steps before all of the traffic moves; none of them when it moves at once.
 *
 * @example shiftSteps('CodeDeployDefault.LambdaCanary10Percent5Minutes') // [{ weight: 0.1, minutes: 5 }]
 * @throws DatasetError `invalid` for a name that is none of them
 */
export function shiftSteps(configName: string): readonly ShiftStep[] {
  if (configName === 'CodeDeployDefault.LambdaAllAtOnce') return [];
  const [, canary, canaryMinutes] =
    /^CodeDeployDefault\.LambdaCanary(\d+)Percent(\d+)Minutes?$/.exec(configName) ?? [];
  if (canary !== undefined) return [{ weight: Number(canary) / 100, minutes: Number(canaryMinutes) }];
  const [, linear, everyMinutes] =
    /^CodeDeployDefault\.LambdaLinear(\d+)PercentEvery(\d+)Minutes?$/.exec(configName) ?? [];
  const percent = Number(linear);
  if (!(percent > 0)) throw new DatasetError('invalid', `unknown deployment configuration ${configName}`);
  const count = Math.ceil(100 / percent) - 1;
  return Array.from({ length: count }, (_, i) => ({
    weight: ((i + 1) * percent) / 100,
    minutes: Number(everyMinutes),
  }));
}
