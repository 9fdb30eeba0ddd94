import type { Command } from 'commander';
import { applyDelta } from '../blob/apply-delta.ts';
import { decodeSnapshot } from '../blob/decode-snapshot.ts';
import { DatasetError } from '../errors.ts';
import type { ReadState } from '../state/read-state.ts';
import { dumpLines } from '../tools/dump-state.ts';
import { type BlobFile, loadBlobFiles } from './blob-files.ts';
import { printLines, type Terminal } from './terminal.ts';

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

const collect = (value: string, earlier: readonly string[]): readonly string[] => [...earlier, value];

export function addDumpCommand(program: Command, terminal: Terminal): void {
  program
    .command('dump')
    .description('Print all records of a state, as NDJSON.')
    .argument('<snapshot>')
    .argument('[delta...]', 'deltas to apply to it, in order')
    .option('--reverse <file>', 'a reverse delta to apply after them; may be repeated', collect, [])
    .option('--part <file>', 'an optional part of one of the blobs; may be repeated', collect, [])
    .option('--json', 'errors as JSON too')
    .addHelpText('after', help)
    .action(async (snapshot: string, deltas: string[], options: { reverse: string[]; part: string[] }) => {
      const paths = [snapshot, ...deltas, ...options.reverse];
      await printLines(terminal, dumpLines(stateOf(await loadBlobFiles(paths, options.part))));
    });
}

/** The state that the first blob, a snapshot, and the deltas after it lead to. */
function stateOf(blobs: readonly BlobFile[]): ReadState {
  let state: ReadState | null = null;
  for (const { path, main, parts } of blobs) {
    try {
      state = state === null ? decodeSnapshot(main, parts) : applyDelta(state, main, parts).state;
    } catch (error) {
      if (!(error instanceof DatasetError)) throw error;
      throw new DatasetError(error.kind, `'${path}': ${error.message}`, error.details, error);
    }
  }
  if (state === null) throw new DatasetError('invalid', 'no snapshot is given');
  return state;
}
