import { expect, it } from 'vitest';
import { StringOrdinals } from '../../../lib/state/string-ordinals.ts';

const fullAt = 16_384;

function fill(strings: StringOrdinals): void {
  for (let i = 0; i <= fullAt; i++) strings.add(`unique ${i}`, i);
}

it('finds what was added, until it is cleared', () => {
  const strings = new StringOrdinals();
  strings.add('a', 7);
  expect([strings.find('a'), strings.find('b')]).toEqual([7, -1]);
  strings.clear();
  expect(strings.find('a')).toBe(-1);
});

it('leaves long strings out', () => {
  const strings = new StringOrdinals();
  strings.add('x'.repeat(65), 1);
  expect(strings.find('x'.repeat(65))).toBe(-1);
});

it('starts again when it is full, if its strings have repeated', () => {
  const strings = new StringOrdinals();
  strings.add('often', 1);
  for (let i = 0; i <= fullAt; i++) strings.find('often');
  fill(strings);
  expect(strings.find('unique 0')).toBe(-1);
  expect(strings.find(`unique ${fullAt}`)).toBe(fullAt);
});

it('gives up when it is full and few strings have repeated', () => {
  const strings = new StringOrdinals();
  fill(strings);
  strings.add('a', 1);
  expect(strings.find('a')).toBe(-1);
});
