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
  const swept = new Sweep(types, references);
  for (let position = 0; position < types.length; position++) swept.judgeMortals(position);
  return swept;
}

/** Records that are judged in one call: a loop that is called often is compiled sooner than one that is long. */
const runLength = 256;

class Sweep implements Swept {
  readonly dead: readonly IntMap[];
  readonly referenceChanges: readonly OrdinalMap[];
  readonly #types: readonly CycleType[];
  readonly #references: RecordReferences;
  /** Dead records whose references are still to be taken back: pairs of type position and ordinal. */
  readonly #stack: number[] = [];

  constructor(types: readonly CycleType[], references: RecordReferences) {
    this.#types = types;
    this.#references = references;
    // Not by map(): what kind of array that makes depends on whether it was compiled.
    this.dead = Array.from(types, () => new IntMap());
    this.referenceChanges = Array.from(types, (type) => type.referenceChanges.clone());
  }

  /** Judges what a cycle touched of a type, and what dies with it. */
  judgeMortals(position: number): void {
    const mortals = (this.#types[position] as CycleType).mortals();
    for (let from = 0; from < mortals.length; from += runLength) {
      this.#judgeRun(position, mortals, from);
      while (this.#stack.length > 0) this.#takeBack();
    }
  }

  #judgeRun(position: number, mortals: readonly number[], from: number): void {
    const ofType = this.referenceChanges[position] as OrdinalMap;
    const end = Math.min(from + runLength, mortals.length);
    for (let i = from; i < end; i++) {
      const ordinal = mortals[i] as number;
      this.#judge(position, ordinal, ofType.get(ordinal));
    }
  }

  /** The references of the dead record that is on top of the stack. */
  #takeBack(): void {
    const ordinal = this.#stack.pop() as number;
    const position = this.#stack.pop() as number;
    const type = this.#types[position] as CycleType;
    const found = type.readReferences(ordinal, position, this.#references);
    for (let i = 0; i < found.count; i++) {
      const target = found.types[i] as number;
      const targetOrdinal = found.ordinals[i] as number;
      const changes = this.referenceChanges[target] as OrdinalMap;
      this.#judge(target, targetOrdinal, changes.add(targetOrdinal, -1));
    }
  }

  #judge(position: number, ordinal: number, referenceChange: number): void {
    const type = this.#types[position] as CycleType;
    // What is dead never comes to life again: most are alive, which is said sooner.
    if (type.isAlive(ordinal, referenceChange)) return;
    const dead = this.dead[position] as IntMap;
    if (dead.has(ordinal)) return;
    // A Java producer's records may refer to what is not there.
    if (!type.has(ordinal)) return;
    dead.set(ordinal, 1);
    if (!this.#references.isLeaf(position)) this.#stack.push(position, ordinal);
  }
}
