import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type BlobName, blobName, parseBlobName } from '../../../lib/blob/blob-names.ts';
import { checkBlobName } from '../../../lib/blob-rules.ts';

const cid = '0123456789abcdef0123456789abcdef';
const delta = {
  kind: 'delta',
  id: { dataset: 'cities', partition: 0 },
  mapGeneration: 1,
  fromVersion: 41,
  toVersion: 42,
  cid,
} as const satisfies BlobName;

const label = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,20}$/);
const id = fc.record(
  { tenant: label, dataset: label, partition: fc.nat(99_999) },
  { requiredKeys: ['dataset', 'partition'] },
);
const owner = {
  id,
  mapGeneration: fc.maxSafeNat(),
  toVersion: fc.maxSafeNat(),
  cid: fc.stringMatching(/^[0-9a-f]{32}$/),
};
const name: fc.Arbitrary<BlobName> = fc.oneof(
  fc.record({ kind: fc.constant('snapshot' as const), ...owner }),
  fc.record({
    kind: fc.constantFrom('delta' as const, 'reversedelta' as const),
    fromVersion: fc.maxSafeNat(),
    ...owner,
  }),
);
const part = fc.option(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,20}$/), { nil: undefined });

it('are read as they were written, and every store takes them', () => {
  fc.assert(
    fc.property(name, part, (each, partName) => {
      const text = blobName(each, partName);
      expect(parseBlobName(text)).toEqual({ name: each, part: partName ?? null });
      checkBlobName(text);
    }),
  );
  expect(blobName(delta)).toBe(`d/cities/1/0/delta/0000000000000041-0000000000000042-${cid}`);
  expect(blobName({ ...delta, id: { ...delta.id, tenant: 'acme' } }, 'bookkeeping')).toBe(
    `t/acme/cities/1/0/delta/0000000000000041-0000000000000042-${cid}.part-bookkeeping`,
  );
});

it('sort as versions do', () => {
  const names = [9, 10, 99, 100].map((toVersion) => blobName({ ...delta, kind: 'snapshot', toVersion }));
  expect(names.toSorted()).toEqual(names);
});

it('are refused when they could leave their place', () => {
  const wrong: Partial<typeof delta>[] = [
    { cid: '../x' as typeof cid },
    { toVersion: -1 as 42 },
    { toVersion: 1.5 as 42 },
    { mapGeneration: Number.NaN as 1 },
    { id: { dataset: 'a/b' as 'cities', partition: 0 } },
  ];
  for (const each of wrong) {
    expect(() => blobName({ ...delta, ...each })).toThrow(expect.objectContaining({ kind: 'invalid' }));
  }
  expect(() => blobName(delta, 'a/b')).toThrow(expect.objectContaining({ kind: 'invalid' }));
});

it('are told apart from everything else', () => {
  const good = blobName(delta);
  const others = [
    '',
    'x',
    good.slice(1),
    `${good}x`,
    `${good}.part-`,
    `${good}.part-a.b`,
    good.replace('/1/', '/01/'),
  ];
  others.push(
    good.replace('0000000000000041-', ''),
    good.replace('delta', 'snapshot'),
    good.replace('cities', '-'),
  );
  others.push(good.replace('0000000000000042', '9999999999999999'), `${good}\n`);
  for (const other of others) expect(parseBlobName(other), other).toBe(null);
  fc.assert(
    fc.property(fc.string(), (text) => {
      parseBlobName(text);
    }),
  );
});
