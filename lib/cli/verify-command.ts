import type { Command } from 'commander';
import { DatasetError } from '../errors.ts';
import { HollowDirectory } from '../hollow-directory/hollow-directory.ts';
import { type VerifiedVersion, verifyDirectory } from '../hollow-directory/verify.ts';
import { collect } from './option-values.ts';
import { withProgress } from './progress.ts';
import type { Session } from './session.ts';
import { printLines, tableLines } from './terminal.ts';

const help = `
Reads each version by its snapshot, by the deltas to it, and back by the reverse deltas, and compares all records, shards and
header tags; a header must be that of the same state. The checksum is that of Java's HollowChecksum. Where the schemas change,
deltas do not lead to the snapshot, and are read only. A delta between versions one of which nothing leads to is listed as not
checked. Ends with the exit code of corrupt data if anything is damaged, missing on the way or does not agree.

Example:
  hollow verify ./cities
  hollow verify ./cities --json | jq 'select(.problems != [])'`;

export function addVerifyCommand(program: Command, session: Session): void {
  program
    .command('verify')
    .description(
      'Check every blob of a store: that it can be read and that all ways lead to the same states.',
    )
    .argument('<store>', 'a directory in Hollow layout')
    .option(
      '--part <name>',
      'an optional part that every blob must have; may be repeated; default: the parts that are there',
      collect,
    )
    .option('--json', 'one JSON line per version')
    .addHelpText('after', help)
    .action(async (store: string, options: { part?: string[]; json?: true }) => {
      const directory = new HollowDirectory(store, options.part ?? 'all');
      const { versions, announced, problems } = await withProgress(
        session.terminal,
        { unit: 'versions', every: 1 },
        (step) => verifyDirectory(directory, step),
      );
      if (versions.length === 0)
        throw new DatasetError('invalid', `there is no version in '${store}'`, { store });
      const lines = options.json
        ? versions.map((found) => JSON.stringify({ ...found, version: String(found.version) }, jsonFields))
        : tableLines(
            ['version', 'checksum', 'checked', 'problems'],
            versions.map((found) => rowOf(found, announced)),
          );
      await printLines(session.terminal, lines);
      const all = [...problems, ...versions.flatMap((found) => found.problems)];
      if (all.length > 0) {
        throw new DatasetError('corrupt', `${all.length} problems in '${store}': ${all[0]}`, {
          count: all.length,
        });
      }
    });
}

const jsonFields = ['version', 'checksum', 'checked', 'unchecked', 'problems'];

function rowOf(verified: VerifiedVersion, announced: bigint | null): readonly (string | number)[] {
  const { version, checksum, checked, unchecked, problems } = verified;
  const what = [...checked, ...unchecked.map((name) => `not ${name}`)];
  const mark = version === announced ? ' (announced)' : '';
  return [
    `${version}${mark}`,
    checksum ?? 'none',
    what.join(', '),
    problems.length === 0 ? 'none' : problems.join('; '),
  ];
}
