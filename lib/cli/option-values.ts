import { DatasetError } from '../errors.ts';

/** For options that may be repeated. */
export function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

/** The number that an option is given as text. @throws DatasetError `invalid` */
export function countOf(option: string, text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count)) return count;
  throw new DatasetError('invalid', `${option}: '${text}' is no whole number from 0`);
}
