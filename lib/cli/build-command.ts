import type { Command } from 'commander';
import { DatasetError } from '../errors.ts';
import { loadAnnouncedVersion } from '../hollow-directory/announced-version.ts';
import { exportVersion, removeUnfinished } from '../hollow-directory/export-version.ts';
import { followHollow } from '../hollow-directory/follow.ts';
import { HollowDirectory } from '../hollow-directory/hollow-directory.ts';
import { systemRandom } from '../local/system-random.ts';
import { DatasetSchema } from '../schema/dataset-schema.ts';
import { parseSchemas } from '../schema/dsl.ts';
import type { ReadState } from '../state/read-state.ts';
import { loadFile, naming } from './blob-files.ts';
import { withProgress } from './progress.ts';
import { eachLine } from './record-lines.ts';
import type { Session } from './session.ts';
import { withStoreLock } from './store-lock.ts';
import { printLines, type Terminal } from './terminal.ts';
import { VersionBuilder } from './version-builder.ts';

const help = `
RECORDS has one JSON object per line, records of types with a primary key or without:
  {"type":"City","value":{"id":1,"name":"Utrecht","population":361924}}
They are all there is in the new version. LONG beyond 2^53 is a decimal string, BYTES are base64.

With --incremental all other records stay, a record replaces the one with its key, and lines may also delete:
  {"type":"City","delete":{"id":1}}
Mutations as producers take them do as well, with nothing but these members:
  {"op":"upsert","type":"City","value":{"id":1,"name":"Utrecht","population":361924}}
  {"op":"patch","type":"City","key":{"id":1},"fields":{"population":374238}}
  {"op":"delete","type":"City","key":{"id":1}}

The new version is one above all that are there, in Hollow's own file layout: stock Java consumers can follow the store. Nothing
is written when nothing changes. Of two builds at once the later one ends with a conflict; one that was killed can be repeated.

Example:
  hollow build --schema cities.schema --in cities.ndjson --store ./cities && hollow verify ./cities`;

interface BuildOptions {
  readonly schema: string;
  readonly in: string;
  readonly store: string;
  readonly incremental?: true;
  readonly json?: true;
}

export function addBuildCommand(program: Command, session: Session): void {
  program
    .command('build')
    .description('Make the next version of a store from records.')
    .requiredOption('--schema <file>', "types in Hollow's text form")
    .requiredOption('--in <records>', 'records as NDJSON; - is standard input')
    .requiredOption('--store <directory>', 'the store, in Hollow layout; made if it is not there')
    .option('--incremental', 'the records are changes')
    .option('--json', 'print JSON')
    .addHelpText('after', help)
    .action(async (options: BuildOptions) => {
      const result = await build(options, session.terminal);
      const counts = `${result.added} records added, ${result.removed} removed`;
      const text = result.isNew ? `version ${result.version}: ${counts}` : 'nothing changed, no new version';
      await printLines(session.terminal, [options.json ? JSON.stringify(result) : text]);
    });
}

async function build(options: BuildOptions, terminal: Terminal) {
  const text = new TextDecoder().decode(await loadFile(options.schema));
  const schema = naming(options.schema, () => DatasetSchema.of(parseSchemas(text)));
  const announced = await loadAnnouncedVersion(options.store);
  const directory = new HollowDirectory(options.store);
  const version = await nextVersion(directory, announced);
  const current = announced === null ? null : await loadState(directory, announced);
  const builder = new VersionBuilder(schema, current, options.incremental ? 'changes' : 'populate');
  await withProgress(terminal, { unit: 'records', every: 20_000 }, (step) =>
    eachLine(options.in, (line) => {
      step();
      builder.take(line);
    }),
  );
  const built = builder.build(version, systemRandom.bytes(8));
  if (built === null) return { version: String(announced ?? 0n), isNew: false, added: 0, removed: 0 };
  await withStoreLock(options.store, async () => {
    const now = await loadAnnouncedVersion(options.store);
    if (now !== announced) {
      const details = { announced: String(now) };
      throw new DatasetError('conflict', `another build made version ${now} of '${options.store}'`, details);
    }
    await removeUnfinished(options.store);
    await exportVersion(options.store, { version, from: announced, ...built.blobs });
  });
  return { version: String(version), isNew: true, added: built.addedCount, removed: built.removedCount };
}

/** Above all that are there: readers may have any of them, be it that an older one was announced again since. */
async function nextVersion(directory: HollowDirectory, announced: bigint | null): Promise<bigint> {
  const newest = (await directory.versions()).at(-1) ?? 0n;
  if (announced !== null) return (newest > announced ? newest : announced) + 1n;
  // Of a first build that was killed.
  if (newest <= 1n) return 1n;
  throw new DatasetError('invalid', `'${directory.path}' has blobs of version ${newest}, and announces none`);
}

async function loadState(directory: HollowDirectory, announced: bigint): Promise<ReadState> {
  const store = directory.path;
  const current = await followHollow(directory, null, announced);
  if (current?.version !== announced) {
    throw new DatasetError('corrupt', `the announced version ${announced} cannot be reached in '${store}'`);
  }
  const [part] = await directory.parts();
  // The next version would be without its types, and what refers to them would refer to nothing.
  if (part !== undefined) {
    throw new DatasetError(
      'incompatible',
      `the blobs in '${store}' have an optional part '${part}', which is not built`,
    );
  }
  return current.state;
}
