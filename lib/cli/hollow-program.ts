/**
 * The command line.
 *
 *   hollow.ts            the program `hollow`
 *   hollow-program.ts    its subcommands, help and exit codes (this file)
 *   …-command.ts         a subcommand: arguments, help, what it prints
 *   upkeep-commands.ts   the subcommands for the chain of a dataset; upkeep-place.ts: where that is
 *   blob-files.ts        blobs and their parts from files
 *   session.ts           one run: where it prints, what it ends with
 *   option-values.ts     what options are given as
 *   record-lines.ts      the lines of a file of records
 *   version-builder.ts   records to the blobs of a version
 *   store-lock.ts        one writer of a store at a time
 *   progress.ts          how far a command is, on a terminal
 *   exit-codes.ts        what an error means to a shell
 *   consumer-service.ts  the long-lived consumer (main.ts starts it)
 */
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { inspect } from 'node:util';
import { Command, CommanderError } from 'commander';
import { assert } from '../assert.ts';
import { DatasetError, isDatasetError } from '../errors.ts';
import { addBuildCommand } from './build-command.ts';
import { addDiffCommand } from './diff-command.ts';
import { addDumpCommand } from './dump-command.ts';
import { exitCodeHelp, exitCodeOf, exitCodes } from './exit-codes.ts';
import { addInspectCommand } from './inspect-command.ts';
import type { Session } from './session.ts';
import type { Terminal } from './terminal.ts';
import { addUpkeepCommands } from './upkeep-commands.ts';
import { addVerifyCommand } from './verify-command.ts';

/**
 * Runs the command line and returns the exit code.
 *
 * @param args without the program's name
 */
export async function runHollow(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode: number = exitCodes.success;
  const asJson = args.includes('--json');
  const end = (code: number): void => {
    exitCode = code;
  };
  try {
    await newProgram({ terminal, end }, asJson).parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exitCodes.success;
      if (asJson)
        terminal.error.write(
          describe(new DatasetError('invalid', error.message.replace(/^error: /, '')), asJson),
        );
      return exitCodes.usage;
    }
    terminal.error.write(describe(error, asJson));
    return isDatasetError(error) ? exitCodeOf[error.kind] : exitCodes.unexpected;
  }
}

/** @param asJson what is wrong with the call is left for the caller to say */
function newProgram(session: Session, asJson: boolean): Command {
  const { terminal } = session;
  const program = new Command('hollow')
    .description('Look into, build, compare, check and repair datasets in the Hollow blob format.')
    .version(packageVersion(), '-V, --version', 'print the version of the package')
    .addHelpText('after', exitCodeHelp)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.output.write(text),
      writeErr: (text) => terminal.error.write(text),
      outputError: (text, write) => (asJson ? undefined : write(text)),
    });
  addBuildCommand(program, session);
  addDumpCommand(program, session);
  addInspectCommand(program, session);
  addDiffCommand(program, session);
  addVerifyCommand(program, session);
  addUpkeepCommands(program, session);
  return program;
}

/** Of the package that this file came with. */
function packageVersion(): string {
  const file = findPackageJSON('.', import.meta.url);
  assert(file !== undefined, 'a file of the package lies beneath its package.json');
  const { version }: { readonly version: string } = JSON.parse(readFileSync(file, 'utf8'));
  return version;
}

function describe(error: unknown, asJson: boolean): string {
  if (!isDatasetError(error)) return `hollow: unexpected: ${inspect(error)}\n`;
  const { kind, message, details } = error;
  return asJson
    ? `${JSON.stringify({ error: { kind, message, details } })}\n`
    : `hollow: ${kind}: ${message}\n`;
}
