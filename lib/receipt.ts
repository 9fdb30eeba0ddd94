/** The number of a message among those of its source. */
export interface MessageProgress {
  readonly source: string;
  /** From 1, without gaps, per source and partition. */
  readonly sequence: number;
}

/**
 * What a sender gets for a message that the queue has accepted: it is number `sequence` of `source`. Each version says
 * up to which number it has the messages of each source, so a consumer can tell whether it serves the message.
 */
export interface Receipt extends MessageProgress {
  readonly partition: number;
}

/** Header tag of a version: JSON `{source: greatest sequence up to which everything is done}`. */
export const progressTag = 'serverless-hollow.progress';

/** Source of a {@link Receipt}: many of them have to fit into one header tag. */
export const progressSourcePattern = /^[\x21-\x7e]{1,128}$/;

/** By source, the sequence up to which all its messages are in this version, or were set aside. */
export function readProgress(headerTags: ReadonlyMap<string, string>): ReadonlyMap<string, number> {
  const text = headerTags.get(progressTag);
  if (text === undefined) return new Map();
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null) return new Map();
  return new Map(Object.entries(parsed).map(([source, sequence]) => [source, Number(sequence)]));
}

export function printProgress(progress: ReadonlyMap<string, number>): string {
  return JSON.stringify(Object.fromEntries([...progress].sort(([a], [b]) => (a < b ? -1 : 1))));
}
