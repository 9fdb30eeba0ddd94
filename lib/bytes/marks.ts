/**
 * Which of a number of places are marked: place i by bit i & 31 of element i >>> 5. Without pages, unlike a BitSet, so that asking is
 * one read; a changed copy is a copy of all of it.
 */
export type Marks = Int32Array;

export const noMarks: Marks = new Int32Array(0);

export function isMarked(marks: Marks, at: number): boolean {
  return (((marks[at >>> 5] as number) >>> (at & 31)) & 1) === 1;
}

/** A copy for `count` places, in which those of `places` that are below are marked, too. */
export function withMarks(marks: Marks, places: Int32Array, count: number): Marks {
  const copy = new Int32Array((count + 31) >>> 5);
  copy.set(marks);
  for (let k = 0; k < places.length; k++) {
    const at = places[k] as number;
    if (at < count) copy[at >>> 5] = (copy[at >>> 5] as number) | (1 << (at & 31));
  }
  return copy;
}
