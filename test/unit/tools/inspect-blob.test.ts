import { globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectBlob } from '../../../lib/tools/inspect-blob.ts';
import { readFixture } from '../../support/golden-fixtures.ts';

const fixtures = join(import.meta.dirname, '..', '..', 'golden', 'fixtures');
const blobs = globSync('*/{snapshot,delta,reversedelta}-*', { cwd: fixtures }).toSorted();

const inspect = (path: string) => {
  const [caseName = '', file = ''] = path.replace(/\.gz$/, '').split(/[\\/]/);
  const bytes = readFixture(caseName, file);
  if (bytes === null) throw new Error(path);
  return { bytes, inspection: inspectBlob(bytes) };
};

describe('what a blob is made of', () => {
  it('is read from the worked example of the format', () => {
    const { inspection } = inspect('tiny-worked-example/snapshot-1');
    expect(inspection).toMatchObject({ kind: 'snapshot', size: 0x10b1 });
    expect(inspection.sections).toMatchObject([
      {
        name: 'P',
        schema: 'P @PrimaryKey(id) {\n\tint id;\n\tstring nm;\n}',
        shardCount: 1,
        maxOrdinal: 2,
        recordCount: 3,
        removedCount: 0,
        columns: [
          { name: 'id', width: 10, size: 4, varSize: 0 },
          { name: 'nm', width: 4, size: 6, varSize: 4 },
        ],
      },
      {
        name: 'Ps',
        recordCount: 1,
        columns: [
          { name: 'pointer', width: 3 },
          { name: 'size', width: 2 },
          { name: 'element', width: 2 },
        ],
      },
    ]);
    const delta = inspect('tiny-worked-example/delta-1-2').inspection;
    expect(delta.kind).toBe('delta');
    expect(
      delta.sections.map(({ name, recordCount, removedCount }) => [name, recordCount, removedCount]),
    ).toEqual([
      ['P', 1, 1],
      ['Ps', 1, 1],
    ]);
  });

  it('accounts for every byte of every blob that Java wrote, and knows its kind', () => {
    expect(blobs.length).toBeGreaterThan(300);
    for (const path of blobs) {
      const { bytes, inspection } = inspect(path);
      const hasSections = inspection.sections.length > 0;
      const kind = path.includes('snapshot-') ? 'snapshot' : 'delta';
      expect([path, inspection.kind]).toEqual([path, hasSections ? kind : 'header']);
      expect(inspection.part).toBe(path.includes('.part-') ? 'extras' : null);
      const sectionBytes = inspection.sections.reduce((total, { size }) => total + size, 0);
      expect(sectionBytes).toBeLessThan(bytes.length);
    }
  });

  it('ends in an error for every blob that is cut off', () => {
    const bytes = readFixture('tiny-worked-example', 'delta-1-2') ?? new Uint8Array();
    const { header } = inspectBlob(bytes);
    const whole = bytes.length;
    expect(header.sectionCount).toBe(2);
    for (let size = 0; size < whole; size++) {
      const cut = bytes.subarray(0, size);
      const outcome = () => inspectBlob(cut).kind;
      // Cut between the header and the sections it is what Hollow calls a header.
      try {
        expect(outcome()).toBe('header');
      } catch (error) {
        expect(error).toMatchObject({ kind: 'corrupt' });
      }
    }
  });

  it('is nothing for what is no blob', () => {
    expect(() => inspectBlob(new TextEncoder().encode('{"not":"a blob"}'))).toThrow(
      expect.objectContaining({ kind: 'incompatible' }),
    );
  });
});
