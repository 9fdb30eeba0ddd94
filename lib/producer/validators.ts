/**
 * Judges of the next version, before it is committed. They see what consumers would get: the state that the encoded
 * delta leads to. One that says no stops everything: nothing is committed, the messages stay in the queue, and a person
 * decides (`refused`). For what is wrong with one record there is quarantine.
 *
 * That no key is there twice needs no validator: a record is found by its key and replaced, and mutations of one key
 * are joined before.
 */

import type { LoadedState } from '../consumer/loaded-version.ts';
import { DatasetError } from '../errors.ts';
import type { VersionRef } from '../ports.ts';
import type { DatasetSchema } from '../schema/dataset-schema.ts';
import type { ValidatorRules } from '../settings.ts';
import type { StateChanges } from '../state/type-changes.ts';

/** A version that wants to be. */
export interface Candidate {
  readonly from: LoadedState;
  readonly to: LoadedState;
  /** Of each type that changes, the ordinals that go and come. */
  readonly changes: StateChanges;
}

export interface Validator {
  /** For the log and the error. */
  readonly name: string;
  /** Null: good. Otherwise what is wrong with it, for a person. Pure, and as cheap as it can be: it runs in each cycle. */
  validate(candidate: Candidate): string | null;
}

/**
 * Leave of a person to commit over one version whatever validators say: `<version>@<commit id>` of the head that the
 * refused version would follow, as the refusal names it. It is used up by that commit, since the head is another then.
 */
export type ValidationOverride = string;

/**
 * @throws DatasetError `refused`: what each validator has against it
 */
export function validate(
  validators: readonly Validator[],
  candidate: Candidate,
  base: VersionRef | null,
  override: ValidationOverride | null,
): readonly string[] {
  const problems = validators.flatMap((validator) => {
    const problem = validator.validate(candidate);
    return problem === null ? [] : `${validator.name}: ${problem}`;
  });
  const name = base === null ? '0@' : `${base.version}@${base.cid}`;
  if (problems.length === 0 || override === name) return problems;
  throw new DatasetError('refused', `the version after ${name} was refused: ${problems.join('; ')}`, {
    override: name,
    problems: problems.length,
  });
}

/** At least `min` records of `type`. A dataset that never had that many is let be, so that it can be filled. */
export function minimumCount(type: string, min: number): Validator {
  return {
    name: 'minimum count',
    validate: ({ from, to }) => {
      const count = countOf(to, type);
      return count >= min || countOf(from, type) < min
        ? null
        : `${count} of at least ${min} records of ${type}`;
    },
  };
}

/** `type` has records, once it had some. */
export function requiredType(type: string): Validator {
  return { ...minimumCount(type, 1), name: 'required type' };
}

/** The count of `type` changes by at most this part of itself (0.1: ten per cent) in one version. */
export function countChangeAtMost(type: string, part: number): Validator {
  return {
    name: 'record count',
    validate: ({ from, to }) => {
      const [before, after] = [countOf(from, type), countOf(to, type)];
      const isFine = before < smallCount || Math.abs(after - before) <= before * part;
      return isFine ? null : `${type} goes from ${before} to ${after} records, more than ${percent(part)}`;
    },
  };
}

/** At most this part of the records of `type` is removed or replaced in one version. */
export function changeRateAtMost(type: string, part: number): Validator {
  return {
    name: 'change rate',
    validate: ({ from, changes }) => {
      const before = countOf(from, type);
      const removed = changes.get(type)?.removed.length ?? 0;
      if (before < smallCount || removed <= before * part) return null;
      return `${removed} of ${before} records of ${type} change, more than ${percent(part)}`;
    },
  };
}

/**
 * The built-in ones, as settings ask for them.
 *
 * @throws DatasetError `invalid`: there is no such type
 */
export function validatorsOf(schema: DatasetSchema, rules: ValidatorRules): readonly Validator[] {
  return Object.entries(rules).flatMap(([type, { countMin, countChangeMax, changeRateMax }]) => {
    schema.get(type);
    return [
      ...(countMin === undefined ? [] : [minimumCount(type, countMin)]),
      ...(countChangeMax === undefined ? [] : [countChangeAtMost(type, countChangeMax)]),
      ...(changeRateMax === undefined ? [] : [changeRateAtMost(type, changeRateMax)]),
    ];
  });
}

/** Below this many records a part of them says nothing. */
const smallCount = 100;

function percent(part: number): string {
  return `${part * 100} %`;
}

function countOf({ state }: LoadedState, type: string): number {
  return state.type(type).count;
}
