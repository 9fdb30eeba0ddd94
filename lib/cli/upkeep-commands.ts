import type { Command } from 'commander';
import { clean } from '../housekeeping/cleaner.ts';
import { loadVersion, wholeSource } from '../housekeeping/load-version.ts';
import { pinVersion, removePin, requireHead } from '../housekeeping/pins.ts';
import { recoverChain } from '../housekeeping/recover.ts';
import { restoreChain } from '../housekeeping/restore.ts';
import { rollback, serve } from '../housekeeping/rollback.ts';
import { systemRandom } from '../local/system-random.ts';
import { userSchemaOf } from '../producer/bookkeeping-schema.ts';
import { Producer } from '../producer/producer.ts';
import { countOf } from './option-values.ts';
import type { Session } from './session.ts';
import { printLines } from './terminal.ts';
import { addPlaceOptions, openPlace, type Place, type PlaceOptions } from './upkeep-place.ts';

/** How long a rollback may try against producers that are at work. */
const rollbackMsMax = 60_000;

/** The commands for the chain of a dataset: what a person does by hand, beside what runs by itself. */
export function addUpkeepCommands(program: Command, session: Session): void {
  addPinCommands(program, session);
  addServeCommands(program, session);
  addRepairCommands(program, session);
  addGcCommand(program, session);
}

function addPinCommands(program: Command, session: Session): void {
  const pin = program
    .command('pin')
    .description('Keep a version readable, whatever is committed and deleted.')
    .argument('<dataset>')
    .argument('<pin>', 'name of the pin: lower-case letters, digits, hyphens')
    .option('--at <version>', 'default: the newest')
    .option('--hours <hours>', 'default: until it is unpinned')
    .addHelpText('after', exampleOf('hollow pin cities before-import --hours 48 --local .data'));
  on(pin, session, async (place, name, options: { at?: string; hours?: string }) => {
    const { at, hours } = options;
    const made = await pinVersion(place, place.id, {
      name,
      ...(at === undefined ? {} : { version: countOf('--at', at) }),
      ...(hours === undefined ? {} : { forMs: countOf('--hours', hours) * 3_600_000 }),
    });
    return {
      text: [`version ${made.version} is pinned as '${name}'`],
      json: { pin: name, version: made.version },
    };
  });
  const unpin = program
    .command('unpin')
    .description('Let a pinned version go.')
    .argument('<dataset>')
    .argument('<pin>')
    .addHelpText('after', exampleOf('hollow unpin cities before-import --local .data'));
  on(unpin, session, async ({ heads, id }, name) => {
    await removePin(heads, id, name);
    return { text: [`there is no pin '${name}' any more`], json: { pin: name } };
  });
}

function addServeCommands(program: Command, session: Session): void {
  const serveCommand = program
    .command('serve')
    .description('Tell consumers to serve a pinned version, at once; without a pin: the newest again.')
    .argument('<dataset>')
    .argument('[pin]')
    .addHelpText('after', exampleOf('hollow serve cities before-import --local .data'));
  on(serveCommand, session, async (place, name) => {
    const pin = name === '' ? null : name;
    const { epoch } = (await serve(place, place.id, pin)).serve;
    const served = pin === null ? 'the newest version' : `pin '${pin}'`;
    return { text: [`consumers serve ${served} (epoch ${epoch})`], json: { pin, epoch } };
  });
  const rollbackCommand = program
    .command('rollback')
    .description(
      'Serve a pinned version at once, then commit its records as the newest version and serve that.',
    )
    .argument('<dataset>')
    .argument('<pin>')
    .addHelpText('after', exampleOf('hollow rollback cities before-import --local .data'));
  on(rollbackCommand, session, async (place, name) => {
    const { id, clock } = place;
    const endMs = clock.monotonicMs() + rollbackMsMax;
    const ports = { ...place, producer: await producerOf(place) };
    const deadline = { remainingMs: () => endMs - clock.monotonicMs() };
    const { version, recordCount } = await rollback(ports, id, name, deadline);
    const text = [`version ${version} has the records of pin '${name}': ${recordCount} were changed for it`];
    return { text, json: { pin: name, version, recordCount } };
  });
}

function addRepairCommands(program: Command, session: Session): void {
  const restore = program
    .command('restore')
    .description(
      'After the table was set back, or its replica takes over: begin a new era. Stop all writers first.',
    )
    .argument('<dataset>')
    .addHelpText('after', exampleOf('hollow restore cities --table heads --bucket blobs'));
  on(restore, session, async (place) => {
    const { head, droppedPins } = await restoreChain(place, place.id);
    const { era, version, floor } = head;
    const dropped = droppedPins.length === 0 ? '' : `; pins that are gone: ${droppedPins.join(', ')}`;
    const text = [`era ${era} begins at version ${version}, floor ${floor}${dropped}`];
    return { text, json: { era, version, floor, droppedPins } };
  });
  const recover = program
    .command('recover')
    .description(
      'After the head was lost for good: make it anew from the blobs alone. Stop all writers first.',
    )
    .argument('<dataset>')
    .option('--cid <commit id>', 'of the version to go to, where the blobs alone cannot tell')
    .option('--generation <number>', 'of the partition map', '1')
    .addHelpText('after', exampleOf('hollow recover cities --table heads --bucket blobs'));
  on(recover, session, async (place, _, options: { cid?: string; generation: string }) => {
    const { cid } = options;
    const mapGeneration = countOf('--generation', options.generation);
    const ports = { ...place, shelf: place.blobs };
    const { era, version, hashes } = await recoverChain(ports, place.id, {
      mapGeneration,
      ...(cid === undefined ? {} : { cid }),
    });
    const text = [`era ${era} begins at version ${version}, data hash ${hashes.data}`];
    return { text, json: { era, version, dataHash: hashes.data } };
  });
}

function addGcCommand(program: Command, session: Session): void {
  const gc = program
    .command('gc')
    .description('Delete what no reader and no writer can need any more.')
    .argument('<dataset>')
    .option('--dry-run', 'only say what would be deleted')
    .option('--retain <versions>', 'versions that stay readable for readers that lag', '64')
    .option('--retain-hours <hours>', 'and what was the newest within so many hours', '1')
    .addHelpText('after', exampleOf('hollow gc cities --dry-run --table heads --bucket blobs'));
  on(gc, session, async (place, _, options: { dryRun?: true; retain: string; retainHours: string }) => {
    const versionsMin = countOf('--retain', options.retain);
    const ageMsMin = countOf('--retain-hours', options.retainHours) * 3_600_000;
    const { id, blobs, inline } = place;
    const isDryRun = options.dryRun === true;
    const report = await clean({ ...place, shelves: inline === undefined ? [blobs] : [blobs, inline] }, id, {
      retention: { versionsMin, ageMsMin },
      isDryRun,
    });
    const verb = isDryRun ? 'would be deleted' : 'deleted';
    const rest = report.isComplete ? '' : '; there is more: run it again';
    const text = [
      ...(isDryRun ? report.names : []),
      `floor ${report.floor ?? 'unchanged'}: ${report.names.length} blobs ${verb}${rest}`,
    ];
    return { text, json: { isDryRun, ...report } };
  });
}

function exampleOf(call: string): string {
  return `\nExample:\n  ${call}`;
}

/** What a command says: to people, and to programs. */
interface Said {
  readonly text: readonly string[];
  readonly json: object;
}

/** Runs a command on its place and prints what it says. The name is empty where the command takes none. */
function on<Options>(
  command: Command,
  { terminal }: Session,
  run: (place: Place, name: string, options: Options) => Promise<Said>,
): void {
  const hasName = command.registeredArguments.length > 1;
  const full = addPlaceOptions(command).option('--json', 'print JSON');
  full.action(async (dataset: string, ...rest: readonly unknown[]) => {
    const name = hasName && typeof rest[0] === 'string' ? rest[0] : '';
    const options = command.opts<Options & PlaceOptions & { readonly json?: true }>();
    const place = await openPlace(dataset, options, terminal);
    try {
      const { text, json } = await run(place, name, options);
      await printLines(terminal, options.json ? [JSON.stringify(json)] : text);
    } finally {
      place.close();
    }
  });
}

/** One that writes what the dataset is made of: its schema comes with its blobs. */
async function producerOf(place: Place): Promise<Producer> {
  const { id, heads, blobs, inline, announcer, clock, telemetry } = place;
  const { state } = await loadVersion(wholeSource(id, place), null, await requireHead(heads, id));
  const schema = userSchemaOf(state.schema);
  const quarantine = { send: () => Promise.resolve() };
  return new Producer({
    ...{ id, heads, blobs, announcer, clock, telemetry },
    ...{ schema, quarantine, random: systemRandom },
    ...(inline === undefined ? {} : { inline }),
  });
}
