import type { ErrorKind } from '../errors.ts';

/** What the `hollow` command ends with. 1 is an answer (they differ), 2 what every command says to wrong arguments. */
export const exitCodes = {
  success: 0,
  different: 1,
  usage: 2,
  /** A bug in this program. */
  unexpected: 70,
} as const;

export const exitCodeOf: Readonly<Record<ErrorKind, number>> = {
  invalid: exitCodes.usage,
  rejected: 3,
  refused: 4,
  incompatible: 5,
  corrupt: 6,
  denied: 7,
  conflict: 8,
  unavailable: 9,
};

export const exitCodeHelp = `
Exit codes:
  0  done            2  invalid call       3  a record was rejected   4  refused by a rule
  1  they differ     5  incompatible data  6  corrupt data            7  denied
                     8  conflict           9  unavailable            70  a bug: please report it`;
