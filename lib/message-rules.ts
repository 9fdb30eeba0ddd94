import { DatasetError } from './errors.ts';
import { limits } from './limits.ts';

export const correlationIdAttribute = 'correlationId';

/** What a queue carries: the characters of XML 1.0. SQS API reference, SendMessage. */
const foreignCharacterPattern = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

export interface OutgoingMessage {
  readonly body: string;
  readonly correlationId?: string;
}

/** Refuses (`invalid`) the whole list for one message that no queue takes; nothing has been sent then. */
export function checkMessages(messages: readonly OutgoingMessage[]): void {
  for (const [index, message] of messages.entries()) {
    const problem = messageProblem(message);
    if (problem !== null) throw new DatasetError('invalid', `message ${index}: ${problem}`, { index });
  }
}

/** Bytes that count against {@link limits.messageSizeMax}: the body, and name, type and value of the attribute. */
export function messageSize(message: OutgoingMessage): number {
  const bodySize = utf8Size(message.body);
  if (message.correlationId === undefined) return bodySize;
  return bodySize + utf8Size(message.correlationId) + correlationIdAttribute.length + 'String'.length;
}

export function utf8Size(text: string): number {
  return new TextEncoder().encode(text).length;
}

function messageProblem(message: OutgoingMessage): string | null {
  const { body, correlationId } = message;
  if (body === '') return 'empty';
  if (foreignCharacterPattern.test(body)) return 'has a character that no queue carries';
  if (correlationId !== undefined) {
    const sizeMax = limits.correlationIdSizeMax;
    if (correlationId === '' || correlationId.length > sizeMax)
      return `correlationId must have 1 to ${sizeMax} characters`;
    if (foreignCharacterPattern.test(correlationId))
      return 'correlationId has a character that no queue carries';
  }
  const size = messageSize(message);
  return size > limits.messageSizeMax ? `${size} of at most ${limits.messageSizeMax} bytes` : null;
}

/** Refuses (`invalid`) arguments of {@link MutationSource.receive} that would never return anything. */
export function checkReceive(messagesMax: number, waitMs: number): void {
  if (!Number.isInteger(messagesMax) || messagesMax < 1)
    throw new DatasetError('invalid', 'messagesMax must be from 1');
  if (!(waitMs >= 0)) throw new DatasetError('invalid', 'waitMs must not be negative');
}
