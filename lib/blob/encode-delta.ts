import { readRun, type Transition } from '../state/transition.ts';
import { assembleBlob, type BlobSection, type EncodedBlob, type PartTypes } from './blob-parts.ts';
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
  const { from, hashKeys } = transition;
  const sections = transition.types.map(({ schema, shardCount, statistics, removed, added }) =>
    deltaSection({ schema, shardCount, statistics, hashKeys, removed, added }),
  );
  const header = { originTag: from.tag, tag, headerTags };
  return assembleBlob(header, sections, { schema: from.schema, parts });
}

/** The blob that leads back: the same change with the roles swapped, over the same statistics. */
export function encodeReverseDelta(
  transition: Transition,
  { tag, parts }: Omit<DeltaOptions, 'headerTags'>,
): EncodedBlob {
  const { from, hashKeys } = transition;
  const sections = transition.types.map((type) =>
    deltaSection({
      schema: type.schema,
      shardCount: type.shardCountBefore,
      statistics: type.statisticsBefore,
      hashKeys,
      removed: type.added.ordinals,
      added: readRun(type.before, type.removed),
    }),
  );
  const header = { originTag: tag, tag: from.tag, headerTags: from.headerTags };
  return assembleBlob(header, sections, { schema: from.schema, parts });
}

function deltaSection(section: DeltaSection): BlobSection {
  // A gap list takes a byte or two per ordinal.
  const sizeExpected =
    section.added.bytes.length + 2 * (section.removed.length + section.added.ordinals.length);
  return { schema: section.schema, sizeExpected, write: (out) => writeDeltaSection(section, out) };
}
