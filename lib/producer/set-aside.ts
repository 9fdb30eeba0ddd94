import { type ClaimPorts, putClaim } from '../claim.ts';
import { DatasetError, isDatasetError } from '../errors.ts';
import { limits } from '../limits.ts';
import type {
  DatasetId,
  LateQueue,
  MutationMessage,
  Quarantine,
  QuarantineEntry,
  Telemetry,
} from '../ports.ts';
import { isPlainObject } from '../schema/plain-object.ts';
import type { FailedMessage, Intake, MessageEntries } from './intake.ts';
import { targetOf } from './ledger.ts';
import type { OrderStamp } from './order-stamp.ts';
import type { Plan } from './plan.ts';
import { lateReason } from './plan-units.ts';
import type { SetAside } from './planned.ts';
import { isForgotten } from './watermark.ts';

/** Where things are set aside. */
export interface Shelf {
  readonly id: DatasetId;
  readonly quarantine: Quarantine;
  readonly lateQueue: LateQueue;
  /** For what is too large for the late queue. Null: it stays in the mutation queue. */
  readonly claims: ClaimPorts | null;
  readonly telemetry: Telemetry;
}

/**
 * Puts what broke a rule, or a condition, into quarantine, so that its messages may be acknowledged.
 *
 * @returns the messages whose bad part could not be set aside: they have to come again
 */
export async function quarantineEntries(
  { id, quarantine, telemetry }: Shelf,
  rejected: readonly MessageEntries[],
): Promise<readonly FailedMessage[]> {
  const failed = await send('quarantine', { id, telemetry }, rejected, (entries) =>
    quarantine.send(id, entries),
  );
  if (failed.length > 0) return failed;
  for (const { messageId, index, reason } of rejected.flatMap(({ entries }) => entries)) {
    telemetry.record('MutationsQuarantined', 1);
    telemetry.log('warn', 'a mutation was quarantined', { messageId, index, reason });
  }
  return [];
}

/** The same for what is late. */
export async function putLate(
  { id, lateQueue, claims, telemetry }: Shelf,
  late: readonly MessageEntries[],
): Promise<readonly FailedMessage[]> {
  const failed = await send('late queue', { id, telemetry }, late, async (entries) =>
    lateQueue.send(id, await Promise.all(entries.map((entry) => fitting(entry, claims)))),
  );
  if (failed.length > 0) return failed;
  for (const { messageId, index, reason } of late.flatMap(({ entries }) => entries)) {
    telemetry.record('MutationsLate', 1);
    telemetry.log('warn', 'a mutation came too late', { messageId, index, reason });
  }
  return [];
}

/** With a claim in place of content that is too large for an entry. It is to be sent again one day, so it is not cut. */
async function fitting(entry: QuarantineEntry, claims: ClaimPorts | null): Promise<QuarantineEntry> {
  if (entry.content.length <= limits.quarantineContentSizeMax) return entry;
  if (claims === null) {
    const problem = `${entry.content.length} characters are too many for an entry, and there is no inbox`;
    throw new DatasetError('unavailable', problem, { messageId: entry.messageId });
  }
  return { ...entry, content: await putClaim(claims, entry.content) };
}

async function send(
  name: string,
  { id, telemetry }: Pick<Shelf, 'id' | 'telemetry'>,
  setAside: readonly MessageEntries[],
  accept: (entries: readonly QuarantineEntry[]) => Promise<void>,
): Promise<readonly FailedMessage[]> {
  const entries = setAside.flatMap((each) => each.entries);
  if (entries.length === 0) return [];
  try {
    await accept(entries);
    return [];
  } catch (error) {
    if (!isDatasetError(error)) throw error;
    telemetry.log('error', `the ${name} did not take what belongs there`, {
      id,
      error,
      count: entries.length,
    });
    const reason = `${name}: ${error.message}`;
    return setAside.map(({ message }) => ({ message, reason }));
  }
}

/** Units whose condition did not hold, for quarantine. */
export function conditionEntries({ claims }: Intake, { setAside }: Plan): readonly MessageEntries[] {
  return setAside.flatMap((each) => {
    if (each.kind !== 'condition') return [];
    const { message, index } = each;
    const whole = claims.get(message) ?? message;
    const content = index === null ? whole.body : JSON.stringify(rawMutations(message)[index] ?? null);
    return { message, entries: [entryOf(each, content.slice(0, limits.quarantineContentSizeMax))] };
  });
}

/**
 * What is late, as message bodies with the stamps that their mutations had: sent again as they are, they are late again,
 * and never newer than they were.
 */
export function lateEntries({ parsed }: Intake, plan: Plan): readonly MessageEntries[] {
  const byMessage = new Map<MutationMessage, QuarantineEntry[]>();
  const add = (late: SetAside, steps: readonly Stamped[]) => {
    const entries = byMessage.get(late.message) ?? [];
    entries.push(entryOf(late, lateBody(late.message, steps, late.index === null)));
    byMessage.set(late.message, entries);
  };
  const reason = `late: ${lateReason(plan.watermark)}`;
  for (const [message, { mutations, positions, units }] of parsed) {
    for (const late of plan.setAside) {
      if (late.kind !== 'late' || late.message !== message) continue;
      const unit = units.find(
        ({ isAtomic, steps }) => (isAtomic ? null : (steps[0]?.index ?? null)) === late.index,
      );
      add(
        late,
        (unit?.steps ?? []).map(({ index, mutation, opId }) => ({ index, stamp: mutation.stamp, opId })),
      );
    }
    for (const [i, { type, key, stamp }] of plan.lateTargets.size === 0 ? [] : mutations.entries()) {
      if (!isForgotten(stamp, plan.watermark) || !plan.lateTargets.has(targetOf(type, key))) continue;
      const index = positions[i] ?? i;
      add({ kind: 'late', message, index, reason }, [{ index, stamp, opId: null }]);
    }
  }
  return Array.from(byMessage, ([message, entries]) => ({ message, entries }));
}

interface Stamped {
  readonly index: number;
  readonly stamp: OrderStamp;
  readonly opId: string | null;
}

function lateBody(message: MutationMessage, steps: readonly Stamped[], isAtomic: boolean): string {
  const raw = rawMutations(message);
  const mutations = steps.map(({ index, stamp, opId }) => {
    const mutation = raw[index];
    const { timestamp, source, sequence } = stamp;
    const order = { timestamp, source, sequence };
    return { ...(isPlainObject(mutation) ? mutation : {}), order, ...(opId === null ? {} : { opId }) };
  });
  return JSON.stringify(isAtomic ? { mutations, atomic: true } : (mutations[0] ?? null));
}

/** As they were sent. The body was parsed once with success. */
function rawMutations({ body }: MutationMessage): readonly unknown[] {
  const content: unknown = JSON.parse(body);
  const mutations = isPlainObject(content) ? content['mutations'] : undefined;
  return Array.isArray(mutations) ? mutations : [content];
}

function entryOf({ message, index, reason }: SetAside, content: string): QuarantineEntry {
  const { id: messageId, sentAtMs, correlationId } = message;
  const entry = { messageId, index, field: '', reason, content, sentAtMs };
  return correlationId === undefined ? entry : { ...entry, correlationId };
}
