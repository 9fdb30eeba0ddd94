#!/usr/bin/env node
/** The program `hollow`. The package leaves it to those who want the command to install what only the command needs. */
import { exitCodeOf, exitCodes } from './exit-codes.ts';

const needs = 'commander';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that has seen enough (`| head`) is no error.
  if (error.code === 'EPIPE') return;
  process.stderr.write(`hollow: unavailable: writing the output failed: ${error.message}\n`);
  process.exit(exitCodeOf.unavailable);
});

try {
  const { runHollow } = await import('./hollow-program.ts');
  process.exitCode = await runHollow(process.argv.slice(2), {
    output: process.stdout,
    error: process.stderr,
  });
} catch (error) {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
  if (!isMissing || !error.message.includes(`'${needs}'`)) throw error;
  process.stderr.write(`hollow: the command needs the package '${needs}': npm install ${needs}\n`);
  process.exitCode = exitCodes.usage;
}
