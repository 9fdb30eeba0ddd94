import { ByteWriter } from '../bytes/byte-writer.ts';
import type { IntMap } from '../bytes/int-map.ts';
import type { CycleType } from './cycle-type.ts';
import type { RecordReferences } from './record-references.ts';

/**
 * Finds what does not live on: records that are no root and that nothing alive refers to, and then what only those
 * referred to. Visits the records that a cycle touched and what dies with them, nothing else; changes nothing of the
 * cycle, so a cycle can go on afterwards.
 *
 * @returns per type the dead ordinals, in no particular order
 */
export function sweep(types: readonly CycleType[], references: RecordReferences): readonly Set<number>[] {
  const changes = types.map((type) => type.referenceChanges.clone());
  const dead = types.map(() => new Set<number>());
  // Pairs of type position and ordinal.
  const stack: number[] = [];
  types.forEach((type, position) => {
    for (const ordinal of type.mortals()) stack.push(position, ordinal);
  });
  const scratch = new ByteWriter();
  while (stack.length > 0) {
    const ordinal = stack.pop() as number;
    const position = stack.pop() as number;
    const type = types[position] as CycleType;
    const deadOfType = dead[position] as Set<number>;
    // A Java producer's records may refer to what is not there.
    if (deadOfType.has(ordinal) || !type.has(ordinal)) continue;
    if (type.isAlive(ordinal, (changes[position] as IntMap).get(ordinal, 0))) continue;
    deadOfType.add(ordinal);
    if (references.isLeaf(position)) continue;
    const index = type.indexOf(ordinal);
    if (index < 0) {
      scratch.reset();
      type.base.records.writeRecord(ordinal, scratch);
    }
    const found =
      index < 0
        ? references.read(position, scratch.bytes, 0)
        : references.read(position, type.arena.bytes, type.arena.startOf(index));
    for (let i = 0; i < found.count; i++) {
      const target = found.types[i] as number;
      const targetOrdinal = found.ordinals[i] as number;
      (changes[target] as IntMap).add(targetOrdinal, -1);
      stack.push(target, targetOrdinal);
    }
  }
  return dead;
}
