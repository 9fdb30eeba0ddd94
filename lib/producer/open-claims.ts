import { type ClaimPorts, claimProgress, isClaim, openClaim } from '../claim.ts';
import { isDatasetError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { MutationMessage, Telemetry } from '../ports.ts';
import type { MessageProgress } from '../receipt.ts';
import type { FailedMessage, MessageEntries } from './intake.ts';

export interface OpenedMessages {
  /**
   * What can be taken in: with the text that each stands for in place of its claim. The number of a message with a claim
   * is one more, which has nothing else.
   */
  readonly messages: readonly MutationMessage[];
  /** By those that stood for a claim, the messages as they came. */
  readonly claims: ReadonlyMap<MutationMessage, MutationMessage>;
  /** What can never be opened. */
  readonly rejected: readonly MessageEntries[];
  /** What may be opened another time. */
  readonly failed: readonly FailedMessage[];
}

/**
 * Fetches what messages say lies in the inbox, one after the other, up to a bound for the whole batch: what is beyond it
 * comes again. A message without a claim goes through as it is.
 *
 * @param ports null: there is no inbox, and no claim can be opened
 */
export async function openClaims(
  ports: ClaimPorts | null,
  messages: readonly MutationMessage[],
  telemetry: Telemetry,
): Promise<OpenedMessages> {
  const claims = new Map<MutationMessage, MutationMessage>();
  if (!messages.some(({ body }) => isClaim(body))) return { messages, claims, rejected: [], failed: [] };
  const opened: MutationMessage[] = [];
  const rejected: MessageEntries[] = [];
  const failed: FailedMessage[] = [];
  let size = 0;
  let openedCount = 0;
  const add = (content: MutationMessage, message: MutationMessage): void => {
    claims.set(content, message);
    opened.push(content);
  };
  for (const message of messages) {
    if (!isClaim(message.body)) {
      opened.push(message);
      continue;
    }
    if (ports === null || size >= limits.claimsPerBatchSizeMax) {
      const reason = ports === null ? 'claim: this producer has no inbox' : 'claim: the batch is full';
      failed.push({ message, reason });
      continue;
    }
    let progress: MessageProgress | null = null;
    try {
      progress = claimProgress(message.body);
      const content = { ...message, body: await openClaim(ports, message.body) };
      size += content.body.length;
      openedCount += 1;
      add(content, message);
    } catch (error) {
      if (!isDatasetError(error)) throw error;
      if (error.kind === 'rejected') {
        rejected.push({
          message,
          entries: [entryOf(message, String(error.details['field'] ?? ''), error.message)],
        });
      } else {
        telemetry.log('error', 'a claim could not be opened', { error, messageId: message.id });
        failed.push({ message, reason: `claim: ${error.kind}: ${error.message}` });
        continue;
      }
    }
    // What can never be opened is done, too: nobody has to wait for it.
    if (progress !== null) add(numberOf(message, progress), message);
  }
  telemetry.record('ClaimsOpened', openedCount);
  return { messages: opened, claims, rejected, failed };
}

/** The message with nothing but its number. */
function numberOf(
  { id, sentAtMs, receiveCount, receipt }: MutationMessage,
  progress: MessageProgress,
): MutationMessage {
  return { id, body: JSON.stringify({ mutations: [], progress }), sentAtMs, receiveCount, receipt };
}

function entryOf({ id, body, sentAtMs, correlationId }: MutationMessage, path: string, problem: string) {
  const field = path === '' ? 'claim' : path;
  const entry = {
    messageId: id,
    index: null,
    field,
    reason: `${field}: ${problem}`,
    content: body,
    sentAtMs,
  };
  return correlationId === undefined ? entry : { ...entry, correlationId };
}
