import { readRun, type Transition, type TypeTransition } from '../state/transition.ts';
import { assembleBlob, type EncodedBlob, type PartTypes } from './blob-parts.ts';
import { type DeltaSection, writeDeltaSection } from './encode-section.ts';

export interface DeltaOptions {
  /** Random tag of the state that the transition leads to. */
  readonly tag: bigint;
  /** Of the state that the transition leads to; they replace those of the state before. */
  readonly headerTags: ReadonlyMap<string, string>;
  readonly parts: PartTypes;
}

/** The blob that leads from a transition's state to the next. Costs what the change costs; mirrors apply-delta.ts. */
export function encodeDelta(transition: Transition, { tag, headerTags, parts }: DeltaOptions): EncodedBlob {
  const { from } = transition;
  return assembleBlob(
    { originTag: from.tag, destinationTag: tag, headerTags },
    transition.types.map((type) => deltaSection(type.schema, () => forward(type))),
    { schema: from.schema, parts },
  );
}

/** The blob that leads back: the same change with the roles swapped, over the same statistics. */
export function encodeReverseDelta(
  transition: Transition,
  { tag, parts }: Omit<DeltaOptions, 'headerTags'>,
): EncodedBlob {
  const { from } = transition;
  return assembleBlob(
    { originTag: tag, destinationTag: from.tag, headerTags: from.headerTags },
    transition.types.map((type) => deltaSection(type.schema, () => backward(type))),
    { schema: from.schema, parts },
  );
}

function deltaSection(schema: TypeTransition['schema'], section: () => DeltaSection) {
  return {
    schema,
    write: (out: Parameters<typeof writeDeltaSection>[1]) => writeDeltaSection(section(), out),
  };
}

function forward({ schema, before, statistics, removed, added }: TypeTransition): DeltaSection {
  return { schema, shardCount: before.shardCount, statistics, removed, added };
}

function backward({ schema, before, statistics, removed, added }: TypeTransition): DeltaSection {
  return {
    schema,
    shardCount: before.shardCount,
    statistics,
    removed: added.ordinals,
    added: readRun(before, removed),
  };
}
