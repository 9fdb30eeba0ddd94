import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { DatasetError, isDatasetError } from '../errors.ts';
import { fileError } from '../file-errors.ts';
import { loadAnnouncedVersion } from '../hollow-directory/announced-version.ts';
import { exportVersion } from '../hollow-directory/export-version.ts';
import { followHollow } from '../hollow-directory/follow.ts';
import { HollowDirectory } from '../hollow-directory/hollow-directory.ts';
import { systemRandom } from '../local/system-random.ts';
import { DatasetSchema } from '../schema/dataset-schema.ts';
import { parseSchemas } from '../schema/dsl.ts';
import { load } from './blob-files.ts';
import type { Session } from './session.ts';
import { printLines } from './terminal.ts';
import { VersionBuilder } from './version-builder.ts';

const help = `
RECORDS has one JSON object per line, records of types with a primary key or without:
  {"type":"City","value":{"id":1,"name":"Utrecht","population":361924}}
With --incremental all other records stay, a record replaces the one with its key, and lines may also delete:
  {"type":"City","delete":{"id":1}}
Without it, the records of the file are all there is in the new version.

The new version is one above the announced one (1 in an empty store), in Hollow's own file layout: stock Java consumers
can follow the store. Nothing is written when nothing changes. One writer at a time: there is no lock.

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
    .requiredOption('--in <records>', 'records as NDJSON')
    .requiredOption('--store <directory>', 'the store, in Hollow layout; made if it is not there')
    .option('--incremental', 'the records are changes')
    .option('--json', 'print JSON')
    .addHelpText('after', help)
    .action(async (options: BuildOptions) => {
      const result = await build(options);
      const counts = `${result.added} records added, ${result.removed} removed`;
      const text = result.isNew ? `version ${result.version}: ${counts}` : 'nothing changed, no new version';
      await printLines(session.terminal, [options.json ? JSON.stringify(result) : text]);
    });
}

async function build(options: BuildOptions) {
  const schema = DatasetSchema.of(parseSchemas(new TextDecoder().decode(await load(options.schema))));
  const announced = await loadAnnouncedVersion(options.store);
  const current =
    announced === null ? null : await followHollow(new HollowDirectory(options.store), null, announced);
  if (announced !== null && current?.version !== announced) {
    throw new DatasetError(
      'corrupt',
      `the announced version ${announced} cannot be reached in '${options.store}'`,
    );
  }
  const builder = new VersionBuilder(
    schema,
    current?.state ?? null,
    options.incremental ? 'changes' : 'populate',
  );
  await eachLine(options.in, (line) => builder.take(line));
  const version = (announced ?? 0n) + 1n;
  const built = builder.build(version, systemRandom.bytes(8));
  if (built === null) return { version: String(announced ?? 0n), isNew: false, added: 0, removed: 0 };
  await exportVersion(options.store, { version, from: announced, ...built.blobs });
  return { version: String(version), isNew: true, added: built.addedCount, removed: built.removedCount };
}

/** @throws DatasetError `rejected`, naming the line */
async function eachLine(path: string, take: (line: string) => void): Promise<void> {
  let number = 0;
  const input = createReadStream(path);
  const failed = new Promise<never>((_, reject) => {
    input.on('error', (error) => reject(fileError(error, `reading '${path}'`)));
  });
  const read = async (): Promise<void> => {
    for await (const line of createInterface({ input })) {
      number++;
      if (line.trim() !== '') take(line);
    }
  };
  try {
    await Promise.race([read(), failed]);
  } catch (error) {
    if (!isDatasetError(error, 'rejected')) throw error;
    throw new DatasetError(
      'rejected',
      `'${path}', line ${number}: ${error.message}`,
      { ...error.details, line: number },
      error,
    );
  } finally {
    input.destroy();
  }
}
