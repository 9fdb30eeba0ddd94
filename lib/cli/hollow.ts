#!/usr/bin/env node
import { runHollow } from './hollow-program.ts';

process.exitCode = await runHollow(process.argv.slice(2), { output: process.stdout, error: process.stderr });
