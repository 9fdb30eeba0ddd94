/**
 * The command line.
 *
 *   hollow.ts            the program `hollow`
 *   hollow-program.ts    its subcommands, help and exit codes (this file)
 *   …-command.ts         a subcommand: arguments, help, what it prints
 *   blob-files.ts        blobs and their parts from files
 *   exit-codes.ts        what an error means to a shell
 *   consumer-service.ts  the long-lived consumer (main.ts starts it)
 */
import { Command, CommanderError } from 'commander';
import { isDatasetError } from '../errors.ts';
import { addDumpCommand } from './dump-command.ts';
import { exitCodeHelp, exitCodeOf, exitCodes } from './exit-codes.ts';
import { addInspectCommand } from './inspect-command.ts';
import type { Terminal } from './terminal.ts';

/**
 * Runs the command line and returns the exit code.
 *
 * @param args without the program's name
 */
export async function runHollow(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await newProgram(terminal).parseAsync(args, { from: 'user' });
    return exitCodes.success;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? exitCodes.success : exitCodes.usage;
    }
    terminal.error.write(describe(error, args.includes('--json')));
    return isDatasetError(error) ? exitCodeOf[error.kind] : exitCodes.unexpected;
  }
}

function newProgram(terminal: Terminal): Command {
  const program = new Command('hollow')
    .description('Look into, build, compare and check datasets in the Hollow blob format.')
    .addHelpText('after', exitCodeHelp)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.output.write(text),
      writeErr: (text) => terminal.error.write(text),
    });
  addDumpCommand(program, terminal);
  addInspectCommand(program, terminal);
  return program;
}

function describe(error: unknown, asJson: boolean): string {
  if (!isDatasetError(error)) return `hollow: unexpected: ${error instanceof Error ? error.stack : error}\n`;
  const { kind, message, details } = error;
  return asJson
    ? `${JSON.stringify({ error: { kind, message, details } })}\n`
    : `hollow: ${kind}: ${message}\n`;
}
