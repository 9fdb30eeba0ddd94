import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { sha256 } from '../../../lib/memory/sha256.ts';

test('is what Node computes, around the ends of blocks and beyond', () => {
  for (const size of [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1_000, 70_001]) {
    const bytes = randomBytes(size);
    expect(sha256(bytes), bytes.toString('hex').slice(0, 300)).toBe(
      createHash('sha256').update(bytes).digest('hex'),
    );
  }
});
