/** The golden fixtures through the Java program: shows that the program, its dump and the fixtures agree. */
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectedToDump } from '../support/expected-to-dump.ts';
import { canRunJava } from './support/java-availability.ts';
import { JavaHollow } from './support/java-hollow.ts';

const fixtures = join(import.meta.dirname, '..', 'golden', 'fixtures');
const cases = globSync('*/snapshot-1*', { cwd: fixtures }).map((path) => path.split(/[\\/]/)[0] ?? '');
const chains = [...new Set(cases)].toSorted();

describe.skipIf(!canRunJava())('the Java reader on the golden fixtures', () => {
  let java: JavaHollow;
  let scratch = '';
  beforeAll(() => {
    java = JavaHollow.start();
    scratch = mkdtempSync(join(tmpdir(), 'interop-fixtures-'));
  });
  afterAll(async () => {
    await java[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });

  const expected = (chain: string, names: readonly string[]): readonly string[] => {
    const path = names.map((name) => join(fixtures, chain, name)).find(present) ?? '';
    return expectedToDump(readFileSync(plain(path), 'utf8'));
  };
  /** The path of the file, unpacked if it is kept compressed. */
  const plain = (path: string): string => {
    if (existsSync(path)) return path;
    const unpacked = join(scratch, path.replaceAll(/[\\/:]/g, '_'));
    if (!existsSync(unpacked)) writeFileSync(unpacked, gunzipSync(readFileSync(`${path}.gz`)));
    return unpacked;
  };
  const present = (path: string): boolean => existsSync(path) || existsSync(`${path}.gz`);
  const load = (command: string, chain: string, name: string): Promise<unknown> => {
    const file = plain(join(fixtures, chain, name));
    const part = join(fixtures, chain, `${name}.part-extras`);
    return java.request(command, { session: chain, file, ...(present(part) && { parts: { extras: part } }) });
  };
  const last = (chain: string): number => {
    let version = 1;
    while (present(join(fixtures, chain, `snapshot-${version + 1}`))) version++;
    return version;
  };

  it('finds the fixtures', () => {
    expect(chains.length).toBeGreaterThanOrEqual(17);
  });

  it.each(chains)('%s: every snapshot dumps as expected', async (chain) => {
    for (let version = 1; version <= last(chain); version++) {
      await load('read.snapshot', chain, `snapshot-${version}`);
      expect(await java.dump(chain)).toEqual(expected(chain, [`expected-${version}.json`]));
    }
  });

  it.each(chains)('%s: so does the chain of deltas, and each reverse delta', async (chain) => {
    await load('read.snapshot', chain, 'snapshot-1');
    for (let version = 1; version < last(chain); version++) {
      const next = version + 1;
      await load('read.delta', chain, `delta-${version}-${next}`);
      const seen = [`expected-via-delta-${next}.json`, `expected-${next}.json`];
      expect(await java.dump(chain)).toEqual(expected(chain, seen));
      await load('read.delta', chain, `reversedelta-${next}-${version}`);
      const back = [`expected-via-reverse-${version}.json`, `expected-via-delta-${version}.json`];
      expect(await java.dump(chain)).toEqual(expected(chain, [...back, `expected-${version}.json`]));
      await load('read.delta', chain, `delta-${version}-${next}`);
    }
  });
});
