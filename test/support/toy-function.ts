/** A directory with an `index.mjs` that exports the given handler, as a bundle for the local Lambda. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FunctionConfig } from '../../lib/local-cloud/lambda/lambda-function.ts';

export interface ToyFunction {
  readonly config: FunctionConfig;
  /** Removes the directory. */
  remove(): void;
}

/** `source`: the text of a module; `{ handler }` is what it must export. */
export function toyFunction(
  functionName: string,
  source: string,
  more: Partial<FunctionConfig> = {},
): ToyFunction {
  const codeDirectory = mkdtempSync(join(tmpdir(), 'toy-function-'));
  writeFileSync(join(codeDirectory, 'index.mjs'), source);
  return {
    config: {
      functionName,
      arn: `arn:aws:lambda:us-east-1:000000000000:function:${functionName}`,
      codeDirectory,
      handler: 'index.handler',
      timeoutSeconds: 5,
      memorySizeMb: 256,
      environment: {},
      logFormat: 'Text',
      logGroup: `/aws/lambda/${functionName}`,
      concurrencyMax: 4,
      ...more,
    },
    remove: () => rmSync(codeDirectory, { recursive: true, force: true }),
  };
}
