import { expect, it } from 'vitest';
import { answer, hasCanals } from '../../../examples/quick-start.ts';

it('the quick start does what it says, through the doors by their public names', () => {
  expect(answer).toBe('Utrecht, founded 1122');
  expect(hasCanals).toBe(true);
});
