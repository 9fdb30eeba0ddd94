import { type Mutant, pipelineMutants } from './mutants.ts';
import { claimMutants } from './mutants-claims.ts';
import { purgeMutants } from './mutants-purge.ts';
import { schemaMutants } from './mutants-schema.ts';
import { upkeepMutants } from './mutants-upkeep.ts';

/** By name. Each must be caught by an invariant that it names itself; docs/protocol.md says within how many seeds. */
export const mutants: Readonly<Record<string, Mutant>> = {
  ...pipelineMutants,
  ...upkeepMutants,
  ...purgeMutants,
  ...claimMutants,
  ...schemaMutants,
};
