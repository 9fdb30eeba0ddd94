import { limits } from '../limits.ts';
import type { MutationMessage, QuarantineEntry } from '../ports.ts';
import type { DatasetSchema } from '../schema/dataset-schema.ts';
import { coalesce } from './join.ts';
import { type Home, type JoinedMutation, type ParsedMessage, parseMessage, type Unit } from './mutations.ts';
import type { Batch } from './plan.ts';
import type { Progress } from './plan-progress.ts';

/** A message that stays in the queue, and why. */
export interface FailedMessage {
  readonly message: MutationMessage;
  readonly reason: string;
}

/** Entries for quarantine, or for the late queue, of one message. */
export interface MessageEntries {
  readonly message: MutationMessage;
  readonly entries: readonly QuarantineEntry[];
}

/** A batch of messages, taken apart. */
export interface Intake extends Batch {
  /** Messages whose fate hangs on the commit: those that change something, or are to be noted. */
  readonly withMutations: readonly MutationMessage[];
  readonly mutationCount: number;
  readonly parsed: readonly (readonly [MutationMessage, ParsedMessage])[];
  readonly rejected: readonly MessageEntries[];
  /** By those whose content came from the inbox, the messages that were sent. */
  readonly claims: ReadonlyMap<MutationMessage, MutationMessage>;
}

export interface IntakeOptions {
  /** Default: the dataset has one partition. */
  readonly home?: Home | null;
  /** Messages whose content came from the inbox. Default: none. */
  readonly claims?: ReadonlyMap<MutationMessage, MutationMessage>;
}

const noClaims: ReadonlyMap<MutationMessage, MutationMessage> = new Map();

/** Parses and coalesces. Nothing a message contains can make this throw. */
export function takeIn(
  schema: DatasetSchema,
  messages: readonly MutationMessage[],
  nowMs: number,
  { home = null, claims = noClaims }: IntakeOptions = {},
): Intake {
  const parsed: [MutationMessage, ParsedMessage][] = [];
  const mutations: JoinedMutation[] = [];
  const units: Unit[] = [];
  const withMutations: MutationMessage[] = [];
  const rejected: MessageEntries[] = [];
  const progress: Progress[] = [];
  // All that there is to do with a message at once, as long as it is in the processor's caches.
  for (const message of messages) {
    const bodySizeMax = claims.has(message) ? limits.claimContentSizeMax : limits.messageSizeMax;
    const content = parseMessage(schema, message, nowMs, { home, bodySizeMax });
    parsed.push([message, content]);
    for (const mutation of content.mutations) mutations.push(mutation);
    for (const unit of content.units) units.push(unit);
    if (content.progress !== null) progress.push({ ...content.progress, sentAtMs: message.sentAtMs });
    const isEmpty = content.mutations.length + content.units.length === 0 && content.progress === null;
    if (!isEmpty) withMutations.push(message);
    if (content.rejected.length > 0) {
      rejected.push({ message, entries: rejectedEntries(message, content, claims) });
    }
  }
  const mutationCount = units.reduce((count, { steps }) => count + steps.length, mutations.length);
  const changes = coalesce(mutations);
  return { parsed, claims, withMutations, mutationCount, changes, units, progress, rejected };
}

/** Of a message that was refused as a whole people need what was sent, not what it stood for. */
function rejectedEntries(
  message: MutationMessage,
  { rejected }: ParsedMessage,
  claims: ReadonlyMap<MutationMessage, MutationMessage>,
): readonly QuarantineEntry[] {
  const claim = claims.get(message);
  if (claim === undefined) return rejected;
  return rejected.map((entry) => (entry.index === null ? { ...entry, content: claim.body } : entry));
}
