import { describe, expect, it } from 'vitest';
import { CycleStrings, StringOrdinals } from '../../../lib/state/string-ordinals.ts';

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

it('counts what has repeated on when it had not given up', () => {
  const strings = new StringOrdinals();
  strings.add('often', 1);
  for (let i = 0; i <= fullAt; i++) strings.find('often');
  strings.reopen();
  fill(strings);
  expect(strings.find(`unique ${fullAt}`)).toBe(fullAt);
});

it('tries again when it is told to', () => {
  const strings = new StringOrdinals();
  fill(strings);
  strings.reopen();
  strings.add('a', 1);
  expect(strings.find('a')).toBe(1);
});

it('forgets one', () => {
  const strings = new StringOrdinals();
  strings.add('a', 1);
  strings.add('b', 2);
  strings.delete('a');
  expect([strings.find('a'), strings.find('b')]).toEqual([-1, 2]);
});

describe('of a cycle', () => {
  it('keeps those of the state beneath for others, and its own to itself', () => {
    const kept = new StringOrdinals();
    const strings = new CycleStrings(kept);
    strings.add('old', 1, false);
    strings.add('new', 2, true);
    expect([strings.find('old'), strings.find('new')]).toEqual([1, 2]);
    expect([kept.find('old'), kept.find('new')]).toEqual([1, -1]);
    strings.clearOwn();
    expect([strings.find('old'), strings.find('new')]).toEqual([1, -1]);
  });

  it('keeps nothing for others if there is nowhere to keep it', () => {
    const strings = new CycleStrings(null);
    strings.add('old', 1, false);
    expect(strings.find('old')).toBe(1);
    strings.clearOwn();
    expect(strings.find('old')).toBe(-1);
  });
});
