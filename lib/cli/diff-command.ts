import type { Command } from 'commander';
import { DatasetError, isDatasetError } from '../errors.ts';
import type { ReadState } from '../state/read-state.ts';
import { diffStates, type TypeDifference } from '../tools/diff-states.ts';
import { loadBlobFiles, stateOf } from './blob-files.ts';
import { exitCodes } from './exit-codes.ts';
import { collect, countOf } from './option-values.ts';
import { withProgress } from './progress.ts';
import type { Session } from './session.ts';
import { printLines } from './terminal.ts';

const help = `
Compares what readers see. Records are matched by primary key, those of types without one by all of their content.
Ends with 0 when there is no difference, with 1 when there is.

Example:
  hollow diff snapshot-1 snapshot-2
  hollow diff snapshot-1 snapshot-2 --json | jq .type`;

export function addDiffCommand(program: Command, session: Session): void {
  program
    .command('diff')
    .description('Show how two states differ, record by record and field by field.')
    .argument('<before>', 'a snapshot')
    .argument('<after>', 'a snapshot')
    .option('--part <file>', 'an optional part of one of them; may be repeated', collect)
    .option('--limit <count>', 'records to show per type and kind of change', '20')
    .option('--json', 'one JSON line per type, without a limit')
    .addHelpText('after', help)
    .action(
      async (before: string, after: string, options: { part?: string[]; limit: string; json?: true }) => {
        const limit = countOf('--limit', options.limit);
        const blobs = await loadBlobFiles([before, after], options.part ?? []);
        const [from, to] = blobs.map((blob) => stateOf([blob]));
        const differences = await withProgress(
          session.terminal,
          { unit: 'records', every: 20_000 },
          async (step) => (from === undefined || to === undefined ? [] : differencesOf(from, to, step)),
        );
        const lines = options.json
          ? differences.map((difference) => JSON.stringify(difference))
          : differences.flatMap((difference) => toText(difference, limit));
        await printLines(session.terminal, lines);
        if (differences.length > 0) session.end(exitCodes.different);
      },
    );
}

/** @throws DatasetError `invalid`: what differs is in types that are not there */
function differencesOf(from: ReadState, to: ReadState, step: () => void): readonly TypeDifference[] {
  try {
    return diffStates(from, to, step);
  } catch (error) {
    const missing = [...new Set([from, to].flatMap(({ schema }) => schema.leftOut))];
    if (!isDatasetError(error, 'invalid') || missing.length === 0) throw error;
    const problem = `the blobs have no records of ${missing.join(', ')}: give their optional parts with --part`;
    throw new DatasetError('invalid', problem, {}, error);
  }
}

function toText(
  { type, schemas, removed, added, changed }: TypeDifference,
  limit: number,
): readonly string[] {
  const some = (lines: readonly string[]): readonly string[] =>
    lines.length <= limit ? lines : [...lines.slice(0, limit), `  … and ${lines.length - limit} more`];
  return [
    `${type}: ${removed.length} removed, ${added.length} added, ${changed.length} changed`,
    ...(schemas === null
      ? []
      : [`  schema before: ${schemas.before ?? 'none'}`, `  schema after: ${schemas.after ?? 'none'}`]),
    ...some(removed.map((key) => `  - ${key}`)),
    ...some(added.map((key) => `  + ${key}`)),
    ...some(
      changed.map(({ key, fields }) => {
        return `  ~ ${key} ${fields.map(({ name, before, after }) => `${name}: ${before} -> ${after}`).join('; ')}`;
      }),
    ),
  ];
}
