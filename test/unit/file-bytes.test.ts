import { randomFillSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readFileBytes } from '../../lib/file-bytes.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeAll(async () => {
  directory = await temporaryDirectory();
});
afterAll(() => directory.remove());

it.each([0, 1, 4096, 9 * 2 ** 20 + 123])('reads all of a file of %i bytes', async (size) => {
  const path = join(directory.path, 'file');
  const content = randomFillSync(Buffer.alloc(size));
  writeFileSync(path, content);
  const bytes = await readFileBytes(path);
  expect(content.equals(bytes)).toBe(true);
});

it('says with the error of the system that there is no such file', async () => {
  await expect(readFileBytes(join(directory.path, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
});
