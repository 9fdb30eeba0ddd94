/** The golden fixtures through the Java program: shows that the program, its dump and the fixtures agree. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectedToDump } from '../support/expected-to-dump.ts';
import { fixtureCases, readExpected } from '../support/golden-fixtures.ts';
import type { LineProcess } from '../support/line-process.ts';
import { canRunJava } from './support/java-availability.ts';
import { dumpOf, startJava } from './support/java-hollow.ts';

const fixtures = join(import.meta.dirname, '..', 'golden', 'fixtures');

describe.skipIf(!canRunJava())('the Java reader on the golden fixtures', () => {
  let java: LineProcess;
  let scratch = '';
  beforeAll(() => {
    java = startJava();
    scratch = mkdtempSync(join(tmpdir(), 'interop-fixtures-'));
  });
  afterAll(async () => {
    await java[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });

  /** Of the first of these files that there is. */
  const expected = (chain: string, names: readonly string[]): readonly string[] => {
    const state = names.map((name) => readExpected(chain, name)).find((found) => found !== null);
    return state === undefined || state === null ? [] : expectedToDump(state);
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

  it.each(fixtureCases)('%s: every snapshot dumps as expected', async (chain) => {
    for (let version = 1; version <= last(chain); version++) {
      await load('read.snapshot', chain, `snapshot-${version}`);
      expect(await dumpOf(java, chain)).toEqual(expected(chain, [`expected-${version}.json`]));
    }
  });

  it.each(fixtureCases)('%s: so does the chain of deltas, and each reverse delta', async (chain) => {
    await load('read.snapshot', chain, 'snapshot-1');
    for (let version = 1; version < last(chain); version++) {
      const next = version + 1;
      await load('read.delta', chain, `delta-${version}-${next}`);
      const seen = [`expected-via-delta-${next}.json`, `expected-${next}.json`];
      expect(await dumpOf(java, chain)).toEqual(expected(chain, seen));
      await load('read.delta', chain, `reversedelta-${next}-${version}`);
      const back = [`expected-via-reverse-${version}.json`, `expected-via-delta-${version}.json`];
      expect(await dumpOf(java, chain)).toEqual(expected(chain, [...back, `expected-${version}.json`]));
      await load('read.delta', chain, `delta-${version}-${next}`);
    }
  });
});
