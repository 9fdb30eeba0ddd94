import { describe, expect, it } from 'vitest';
import {
  type HollowFile,
  hollowFileName,
  parseHollowFileName,
  parseHollowVersion,
} from '../../../lib/blob/hollow-file-names.ts';

const files: readonly (readonly [HollowFile, string | undefined, string])[] = [
  [{ kind: 'snapshot', version: 20261123113054001n }, undefined, 'snapshot-20261123113054001'],
  [{ kind: 'header', version: 0n }, undefined, 'header-0'],
  [{ kind: 'delta', from: 1n, to: 2n }, undefined, 'delta-1-2'],
  [{ kind: 'reversedelta', from: 2n, to: 1n }, undefined, 'reversedelta-2-1'],
  [{ kind: 'snapshot', version: 5n }, 'extras', 'snapshot_extras-5'],
  [{ kind: 'delta', from: 1n, to: 2n ** 63n - 1n }, 'a_b', 'delta_a_b-1-9223372036854775807'],
];

describe('names of files in a Hollow directory', () => {
  it.each(files.map(([file, part, name]) => [name, file, part] as const))(
    'are printed and parsed: %s',
    (name, file, part) => {
      expect(hollowFileName(file, part)).toBe(name);
      expect(parseHollowFileName(name)).toEqual({ file, part: part ?? null });
    },
  );

  it.each([
    'snapshot-',
    'snapshot-1.tmp',
    'snapshot-1-2',
    'delta-1',
    'delta-1-',
    'delta-a-b',
    'announced.version',
    'x-1',
    'snapshot--1',
  ])('leave alone what is something else: %s', (name) => {
    expect(parseHollowFileName(name)).toBeNull();
  });

  it.each([-1n, 2n ** 63n])('refuse the version %s', (version) => {
    expect(() => hollowFileName({ kind: 'snapshot', version })).toThrow(/not a version/);
  });

  it.each(['', '..', 'a/b', 'a-b', '_a'])('refuse the part %j', (part) => {
    expect(() => hollowFileName({ kind: 'snapshot', version: 1n }, part)).toThrow(/cannot name a part/);
  });

  it('take versions as digits only', () => {
    expect(parseHollowVersion('9223372036854775807')).toBe(2n ** 63n - 1n);
    for (const text of ['', '-1', '1.5', '0x10', ' 1', '9223372036854775808', '1e3']) {
      expect(() => parseHollowVersion(text)).toThrow(/not a version/);
    }
  });
});
