import type { Command } from 'commander';
import { dumpLines } from '../tools/dump-state.ts';
import { loadBlobFiles, stateOf } from './blob-files.ts';
import { collect } from './option-values.ts';
import { withProgress } from './progress.ts';
import type { Session } from './session.ts';
import { isTerminal, printLines } from './terminal.ts';

const help = `
Prints one line for the state, and for each type, sorted by name, one line and then one per record:
  {"kind":"state","randomizedTag":"…","headerTags":{…},"checksum":…}
  {"kind":"type","name":"City","schema":"…","numShards":1,"count":2,"checksum":…}
  [ordinal, value, …]      OBJECT, in the order of its fields: INT and LONG as decimal strings, FLOAT and
                           DOUBLE as the hex digits of their bits, BYTES as hex, references as ordinals
  [ordinal, [element, …]]  LIST; SET sorted        [ordinal, [[key, value], …]]  MAP, sorted by key

Example:
  hollow dump snapshot-1 delta-1-2 delta-2-3 | head
  hollow dump snapshot-2 --reverse reversedelta-2-1      the state before`;

export function addDumpCommand(program: Command, { terminal }: Session): void {
  program
    .command('dump')
    .description('Print all records of a state, as NDJSON.')
    .argument('<snapshot>')
    .argument('[delta...]', 'deltas to apply to it, in order')
    .option('--reverse <file>', 'a reverse delta to apply after them; may be repeated', collect)
    .option('--part <file>', 'an optional part of one of the blobs; may be repeated', collect)
    .option('--json', 'errors as JSON too')
    .addHelpText('after', help)
    .action(async (snapshot: string, deltas: string[], options: { reverse?: string[]; part?: string[] }) => {
      const paths = [snapshot, ...deltas, ...(options.reverse ?? [])];
      const lines = dumpLines(stateOf(await loadBlobFiles(paths, options.part ?? [])));
      // On a terminal the lines themselves are what moves.
      if (isTerminal(terminal.output)) return printLines(terminal, lines);
      await withProgress(terminal, { unit: 'lines', every: 20_000 }, (step) =>
        printLines(terminal, counted(lines, step)),
      );
    });
}

function* counted(lines: Iterable<string>, step: () => void): Generator<string> {
  for (const line of lines) {
    step();
    yield line;
  }
}
