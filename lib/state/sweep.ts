import { IntMap } from '../bytes/int-map.ts';
import type { CycleType } from './cycle-type.ts';
import type { OrdinalMap } from './ordinal-map.ts';
import type { RecordReferences } from './record-references.ts';

/** Per type, in the order of the types. */
export interface Swept {
  /** The keys are the ordinals that do not live on. */
  readonly dead: readonly IntMap[];
  /** By how much the reference counts change from the state beneath to the next. */
  readonly referenceChanges: readonly OrdinalMap[];
}

/**
 * Finds what does not live on: records that are no root and that nothing alive refers to, and then what only those
 * referred to. Visits the records that a cycle touched and what dies with them, nothing else; changes nothing of the
 * cycle, so a cycle can go on afterwards.
 */
export function sweep(types: readonly CycleType[], references: RecordReferences): Swept {
  const changes = types.map((type) => type.referenceChanges.clone());
  const dead = types.map(() => new IntMap());
  // Dead records whose references are still to be taken back: pairs of type position and ordinal.
  const stack: number[] = [];
  const judge = (position: number, ordinal: number, referenceChange: number): void => {
    const type = types[position] as CycleType;
    // What is dead never comes to life again: most are alive, which is said sooner.
    if (type.isAlive(ordinal, referenceChange)) return;
    const deadOfType = dead[position] as IntMap;
    if (deadOfType.has(ordinal)) return;
    // A Java producer's records may refer to what is not there.
    if (!type.has(ordinal)) return;
    deadOfType.set(ordinal, 1);
    if (!references.isLeaf(position)) stack.push(position, ordinal);
  };
  for (let position = 0; position < types.length; position++) {
    const mortals = (types[position] as CycleType).mortals();
    const ofType = changes[position] as OrdinalMap;
    for (let i = 0; i < mortals.length; i++) {
      const ordinal = mortals[i] as number;
      judge(position, ordinal, ofType.get(ordinal));
    }
  }
  while (stack.length > 0) {
    const ordinal = stack.pop() as number;
    const position = stack.pop() as number;
    const found = (types[position] as CycleType).readReferences(ordinal, position, references);
    for (let i = 0; i < found.count; i++) {
      const target = found.types[i] as number;
      const targetOrdinal = found.ordinals[i] as number;
      judge(target, targetOrdinal, (changes[target] as OrdinalMap).add(targetOrdinal, -1));
    }
  }
  return { dead, referenceChanges: changes };
}
