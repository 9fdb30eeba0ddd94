import { DatasetError } from './errors.ts';
import { FieldReader, parseJson } from './field-reader.ts';
import type { FloorMark } from './ports.ts';

/** Refuses (`invalid`) what cannot be one. */
export function checkFloorMark({ era, floor }: FloorMark): void {
  const isSound = Number.isSafeInteger(era) && era >= 1 && Number.isSafeInteger(floor) && floor >= 0;
  if (!isSound) throw new DatasetError('invalid', 'floor record: era from 1, floor from 0');
}

/**
 * Each field's own maximum: a mark never goes back in either. A mark of an era that is over changes nothing: its cleaner is about to
 * see that, and deletes nothing, so a restore need not be refused for its floor.
 */
export function higherMark(before: FloorMark | null, mark: FloorMark): FloorMark {
  if (before === null) return mark;
  if (mark.era < before.era) return before;
  return { era: mark.era, floor: Math.max(before.floor, mark.floor) };
}

/** `corrupt` for what no record wrote. */
export function parseFloorMark(text: string): FloorMark {
  const fields = new FieldReader(parseJson(text, 'floor record'), 'floor record');
  return { era: fields.integer('era', 1), floor: fields.integer('floor', 0) };
}
