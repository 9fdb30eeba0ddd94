/**
 * Decides which mutation of a key wins: the greater stamp, whatever the order of arrival. Stamps of different mutations
 * of one key must differ; two mutations with equal stamps count as one that was delivered twice.
 */
export interface OrderStamp {
  /** Epoch ms. */
  readonly timestamp: number;
  readonly source: string;
  readonly sequence: number;
}

/** Older than every mutation: the stamp of records that some other writer made. */
export const oldestStamp: OrderStamp = { timestamp: -1, source: '', sequence: 0 };

/** Lexicographic; sources by UTF-16 code units. Negative: `a` is older. */
export function compareStamps(a: OrderStamp, b: OrderStamp): number {
  if (a.timestamp !== b.timestamp) return a.timestamp - b.timestamp;
  if (a.source !== b.source) return a.source < b.source ? -1 : 1;
  return a.sequence - b.sequence;
}

/** The stamp of a mutation that brings none: all of it is stable over redeliveries. `index`: position in the message. */
export function deriveStamp(
  message: { readonly id: string; readonly sentAtMs: number },
  index: number,
): OrderStamp {
  return { timestamp: message.sentAtMs, source: message.id, sequence: index };
}
