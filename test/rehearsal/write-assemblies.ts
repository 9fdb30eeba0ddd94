import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../support/source-tree.ts';

/** Synthesizes stages from the bundles in dist, in a process of its own. */
export async function writeAssemblies(directory: string, stages: readonly string[]): Promise<void> {
  const program = join(root, 'test', 'support', 'stage-assembly.ts');
  await promisify(execFile)(process.execPath, [program, directory, ...stages], { cwd: root });
}
