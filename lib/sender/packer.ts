import { limits } from '../limits.ts';
import { correlationIdAttribute, type OutgoingMessage } from '../message-rules.ts';
import type { MessageProgress } from '../receipt.ts';

/**
 * How a text travels: a mutation among others, the mutations of an atomic message, or all of a message that says where its
 * content lies. The last two have a message of their own.
 */
export type PacketForm = 'mutation' | 'atomic' | 'claim';

/** What is ready to go. */
export interface Packet {
  readonly form: PacketForm;
  /** JSON; of several mutations joined by commas. */
  readonly text: string;
  /** Bytes of `text` in UTF-8. */
  readonly size: number;
  readonly mutationCount: number;
  readonly correlationId: string | undefined;
}

/** A message, its number, and what is in it. */
export interface PackedMessage<P extends Packet> extends OutgoingMessage {
  readonly progress: MessageProgress;
  readonly packets: readonly P[];
}

interface OpenMessage<P extends Packet> {
  readonly packets: P[];
  size: number;
  mutationCount: number;
}

/** Everything in a message but its mutations, in the longest form. */
const frameSize =
  '{"mutations":[],"atomic":true,"progress":{"source":"123456789012","sequence":9007199254740991}}'.length;

/** Bytes that a packet makes of a message on its own; what is above {@link limits.messageSizeMax} cannot be sent. */
export function aloneSize({ size, correlationId }: Packet): number {
  return size + frameSize + attributeSize(correlationId);
}

/**
 * Packs packets, in order, into as few messages as sizes allow. A message has one correlation id, so another one begins a
 * message of its own.
 */
export class Packer<P extends Packet> {
  readonly #messageSizeMax: number;
  readonly #messages: OpenMessage<P>[] = [];
  #size = 0;

  /** @param messageSizeMax bytes; a packet that is larger alone goes alone */
  constructor(messageSizeMax: number) {
    this.#messageSizeMax = messageSizeMax;
  }

  /** What waits longest; null: nothing does. */
  get oldest(): P | null {
    return this.#messages[0]?.packets[0] ?? null;
  }

  /** Waiting for more could not make the next batch any better. */
  get hasFullBatch(): boolean {
    return this.#messages.length > limits.batchEntriesMax || this.#size >= limits.messageSizeMax;
  }

  add(packet: P): void {
    const last = this.#messages.at(-1);
    if (last !== undefined && this.#fits(last, packet)) {
      last.packets.push(packet);
      last.size += packet.size + 1;
      last.mutationCount += packet.mutationCount;
      this.#size += packet.size + 1;
      return;
    }
    const size = aloneSize(packet);
    this.#messages.push({ packets: [packet], size, mutationCount: packet.mutationCount });
    this.#size += size;
  }

  /**
   * Takes what goes into one request, at least one message unless there is none.
   *
   * @param nextNumber asked once for each message, in order
   */
  takeBatch(nextNumber: () => MessageProgress): readonly PackedMessage<P>[] {
    let count = 0;
    let size = 0;
    for (const message of this.#messages) {
      if (count === limits.batchEntriesMax || (count > 0 && size + message.size > limits.messageSizeMax))
        break;
      count += 1;
      size += message.size;
    }
    this.#size -= size;
    return this.#messages.splice(0, count).map(({ packets }) => {
      const progress = nextNumber();
      return { ...messageOf(packets, progress), progress, packets };
    });
  }

  #fits({ packets, size, mutationCount }: OpenMessage<P>, packet: P): boolean {
    const [first] = packets;
    return (
      first?.form === 'mutation' &&
      packet.form === 'mutation' &&
      first.correlationId === packet.correlationId &&
      size + packet.size + 1 <= this.#messageSizeMax &&
      mutationCount + packet.mutationCount <= limits.mutationsPerMessageMax
    );
  }
}

/** The message that some packets make, which fit together. */
function messageOf(packets: readonly Packet[], progress: MessageProgress): OutgoingMessage {
  const [first] = packets;
  const body = `${contentOf(packets).slice(0, -1)},"progress":${JSON.stringify(progress)}}`;
  const correlationId = first?.correlationId;
  return correlationId === undefined ? { body } : { body, correlationId };
}

/** The text of the message that some packets make, but for its number. */
export function contentOf(packets: readonly Packet[]): string {
  const [first] = packets;
  const texts = packets.map(({ text }) => text).join(',');
  if (first?.form === 'claim') return texts;
  return `{"mutations":[${texts}]${first?.form === 'atomic' ? ',"atomic":true' : ''}}`;
}

function attributeSize(correlationId: string | undefined): number {
  if (correlationId === undefined) return 0;
  // Of a character of UTF-16 come three bytes at most.
  return correlationId.length * 3 + correlationIdAttribute.length + 'String'.length;
}
