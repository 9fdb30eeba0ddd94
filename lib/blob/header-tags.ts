import { ByteWriter } from '../bytes/byte-writer.ts';
import { murmur3 } from '../bytes/hash.ts';
import { canonicalText, type DatasetSchema } from '../schema/dataset-schema.ts';
import { emptyStateTag, type ReadState } from '../state/read-state.ts';
import type { Transition } from '../state/transition.ts';

/** Header tags that Hollow's producers set and its tools know; docs/format.md, "Header tags". */
const tagNames = {
  toVersion: 'hollow.blob.to.version',
  schemaHash: 'hollow.schema.hash',
  reshardingInvoked: 'hollow.type.resharding.invoked',
  chainCounter: 'hollow.delta.chain.version.counter',
} as const;

/**
 * The tags of the state that a transition leads to: those of the state before, brought up to date as a Java producer
 * would.
 *
 * @param version of the state to come
 */
export function nextHeaderTags(transition: Transition, version: bigint): ReadonlyMap<string, string> {
  const { from } = transition;
  const tags = new Map(from.headerTags);
  tags.set(tagNames.toVersion, String(version));
  tags.set(tagNames.schemaHash, String(schemaHash(from.schema)));
  tags.set(tagNames.chainCounter, String(chainCounterOf(from) + 1));
  // Before the first state of a chain there are no shards to change.
  const resharded = transition.types
    .filter((type) => from.tag !== emptyStateTag && type.shardCount !== type.shardCountBefore)
    .map(({ schema, shardCountBefore, shardCount }) => `${schema.name}:(${shardCountBefore},${shardCount})`);
  // Only in the state in which it happened.
  if (resharded.length === 0) tags.delete(tagNames.reshardingInvoked);
  else tags.set(tagNames.reshardingInvoked, resharded.join(' '));
  return tags;
}

/** False: the state does not say which schemas it has, or says others: it is damaged, or has come by deltas through a change of them. */
export function hasSchemaItNames({ headerTags, schema }: ReadState): boolean {
  return headerTags.get(tagNames.schemaHash) === String(schemaHash(schema));
}

/** A consumer takes a snapshot when this differs from what it has loaded. */
function schemaHash(schema: DatasetSchema): number {
  const text = new ByteWriter();
  text.writeUnits(canonicalText(schema));
  return murmur3(text.bytes, 0, text.position);
}

/** States of the chain so far; 0 before the first, or if whoever wrote it did not count. */
function chainCounterOf({ headerTags }: ReadState): number {
  const counter = Number(headerTags.get(tagNames.chainCounter) ?? 0);
  return Number.isSafeInteger(counter) ? counter : 0;
}
