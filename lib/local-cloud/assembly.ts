/** What the CDK writes: the template of a stack, and where the code of its functions lies. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Template } from './template.ts';

export interface Assembly {
  readonly template: Template;
  /** Directory of an asset by its key in the bucket of assets; undefined: no such asset. */
  readonly findAsset: (key: string) => string | undefined;
}

interface AssetManifest {
  readonly files: Readonly<
    Record<
      string,
      {
        readonly source: { readonly path: string };
        readonly destinations: Readonly<Record<string, { readonly objectKey: string }>>;
      }
    >
  >;
}

/** `directory`: cdk.out of a synthesis. */
export function readAssembly(directory: string, stackName: string): Assembly {
  const template: Template = JSON.parse(readFileSync(join(directory, `${stackName}.template.json`), 'utf8'));
  const manifest: AssetManifest = JSON.parse(
    readFileSync(join(directory, `${stackName}.assets.json`), 'utf8'),
  );
  const paths = new Map<string, string>();
  for (const { source, destinations } of Object.values(manifest.files)) {
    for (const { objectKey } of Object.values(destinations))
      paths.set(objectKey, join(directory, source.path));
  }
  return { template, findAsset: (key) => paths.get(key) };
}

const root = join(import.meta.dirname, '..', '..');

/** Synthesizes the stack from the bundles in dist. A directory of its own: the CDK locks the one it writes to. */
export async function synthesize(
  stackName: string,
  directory = join(root, 'dist', 'assembly'),
): Promise<Assembly> {
  const cdk = createRequire(import.meta.url).resolve('aws-cdk/bin/cdk');
  const parameters = [cdk, 'synth', '--quiet', '--output', directory, stackName];
  await promisify(execFile)(process.execPath, parameters, { cwd: root });
  return readAssembly(directory, stackName);
}
