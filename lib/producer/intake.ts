import { isDatasetError } from '../errors.ts';
import type { DatasetId, MutationMessage, Quarantine, QuarantineEntry, Telemetry } from '../ports.ts';
import type { DatasetSchema } from '../schema/dataset-schema.ts';
import { coalesce, type KeyChange } from './join.ts';
import { type Home, type ParsedMessage, parseMessage } from './mutations.ts';

/** A message that stays in the queue, and why. */
export interface FailedMessage {
  readonly message: MutationMessage;
  readonly reason: string;
}

/** A batch of messages, taken apart. */
export interface Intake {
  /** Messages whose fate hangs on the commit, and those that are done with once quarantined. */
  readonly withMutations: readonly MutationMessage[];
  readonly withoutMutations: readonly MutationMessage[];
  readonly mutationCount: number;
  readonly changes: readonly KeyChange[];
  readonly rejected: readonly {
    readonly message: MutationMessage;
    readonly entries: readonly QuarantineEntry[];
  }[];
}

/** Parses and coalesces. Nothing a message contains can make this throw. */
export function takeIn(
  schema: DatasetSchema,
  messages: readonly MutationMessage[],
  nowMs: number,
  home: Home | null = null,
): Intake {
  const parsed = messages.map((message): [MutationMessage, ParsedMessage] => [
    message,
    parseMessage(schema, message, nowMs, home),
  ]);
  const mutations = parsed.flatMap(([, content]) => content.mutations);
  return {
    withMutations: parsed.filter(([, content]) => content.mutations.length > 0).map(([message]) => message),
    withoutMutations: parsed
      .filter(([, content]) => content.mutations.length === 0)
      .map(([message]) => message),
    mutationCount: mutations.length,
    changes: coalesce(mutations),
    rejected: parsed
      .filter(([, content]) => content.rejected.length > 0)
      .map(([message, content]) => ({ message, entries: content.rejected })),
  };
}

/**
 * Sets aside what broke a rule, so that its messages may be acknowledged.
 *
 * @returns the messages whose bad part could not be set aside: they have to come again
 */
export async function quarantineRejected(
  { id, quarantine, telemetry }: { id: DatasetId; quarantine: Quarantine; telemetry: Telemetry },
  { rejected }: Intake,
): Promise<readonly FailedMessage[]> {
  if (rejected.length === 0) return [];
  const entries = rejected.flatMap((each) => each.entries);
  try {
    await quarantine.send(id, entries);
  } catch (error) {
    if (!isDatasetError(error)) throw error;
    telemetry.log('error', 'the quarantine did not take what was rejected', { error, count: entries.length });
    const reason = `quarantine: ${error.message}`;
    return rejected.map(({ message }) => ({ message, reason }));
  }
  telemetry.record('MutationsQuarantined', entries.length);
  for (const { messageId, index, reason } of entries) {
    telemetry.log('warn', 'a mutation was quarantined', { messageId, index, reason });
  }
  return [];
}
