import type { Head } from '../../lib/ports.ts';
import { schemaIds } from './bundles.ts';
import { Violation } from './world.ts';

/** What a write of the head may change at all. */
export function requireForward(before: Head, head: Head): void {
  requireMonotone(before, head);
  if (head.era === before.era && head.cid !== before.cid) requireSchema(before, head);
}

/** True: a restore led back to the old schema. */
export function isSchemaLost(before: Head, head: Head): boolean {
  return head.era !== before.era && hasNewSchema(before) && !hasNewSchema(head);
}

/** S13: within an era a schema is followed by the new one, in a version of its own, and by nothing else. */
function requireSchema(before: Head, head: Head): void {
  const { version } = head;
  const isAdvance = head.lastOperation === 'schema';
  const [was, is] = [hasNewSchema(before), hasNewSchema(head)];
  if (is !== (was || isAdvance))
    throw new Violation('S13', `version ${version} has ${is ? 'the new' : 'the old'} schema`);
  if (was && isAdvance)
    throw new Violation('S13', `version ${version} is an advance to the schema that was there`);
}

function hasNewSchema({ schemaId }: Head): boolean {
  return schemaId === schemaIds.new;
}

/** S10. */
function requireMonotone(before: Head, head: Head): void {
  const newest = (of: Head): number => of.snapshots.at(-1)?.version ?? 0;
  const isSameEra = head.era === before.era;
  const isForward =
    (head.era > before.era || (isSameEra && head.version >= before.version)) &&
    (!isSameEra || newest(head) >= newest(before)) &&
    (!isSameEra || head.floor >= before.floor) &&
    (!isSameEra || head.pinRevision >= before.pinRevision) &&
    (!isSameEra || head.serve.epoch >= before.serve.epoch) &&
    head.mapGeneration >= before.mapGeneration &&
    (!isSameEra || before.status === 'open' || head.status === 'sealed');
  if (!isForward) throw new Violation('S10', `the head went back after version ${before.version}`);
}
