import { limits } from '../limits.ts';
import { type MessageProgress, progressSourcePattern } from '../receipt.ts';
import { isPlainObject } from '../schema/plain-object.ts';
import { describe, type Problem } from '../schema/record.ts';

/** What the text of a message holds, as far as it can be said without the schema. */
export type Body =
  | { readonly problem: Problem }
  | {
      readonly problem: null;
      readonly mutations: readonly unknown[];
      /** False: the body is one mutation. */
      readonly isList: boolean;
      /** All of it, or nothing. */
      readonly isAtomic: boolean;
      /** Which message of its source this is; null: it does not say. */
      readonly progress: MessageProgress | null;
    };

const namesBesideMutations = ['mutations', 'atomic', 'progress'];

/** Never throws, whatever the text is. */
export function parseBody(body: string, sizeMax: number): Body {
  // Characters are fewer than bytes: this refuses nothing that the queue would take.
  if (body.length > sizeMax) return refuse('', `larger than ${sizeMax} bytes`);
  if (isNestedDeeper(body, limits.jsonDepthMax))
    return refuse('', `nested deeper than ${limits.jsonDepthMax} levels`);
  let content: unknown;
  try {
    content = JSON.parse(body);
  } catch (error) {
    return refuse('', `not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!isPlainObject(content)) return refuse('', `expected an object, got ${describe(content)}`);
  if (!Object.hasOwn(content, 'mutations')) {
    return { problem: null, mutations: [content], isList: false, isAtomic: false, progress: null };
  }
  const { mutations, atomic = false, progress = null } = content;
  const other = Object.keys(content).find((name) => !namesBesideMutations.includes(name));
  if (other !== undefined)
    return refuse('', `${JSON.stringify(other.slice(0, 80))} cannot stand beside 'mutations'`);
  if (!Array.isArray(mutations)) return refuse('mutations', `expected an array, got ${describe(mutations)}`);
  if (mutations.length > limits.mutationsPerMessageMax) {
    return refuse('mutations', `more than ${limits.mutationsPerMessageMax}: ${mutations.length}`);
  }
  if (typeof atomic !== 'boolean') return refuse('atomic', `expected BOOLEAN, got ${describe(atomic)}`);
  if (progress !== null && !isProgress(progress)) {
    return refuse('progress', `expected {source, sequence from 1}, got ${describe(progress)}`);
  }
  return { problem: null, mutations, isList: true, isAtomic: atomic, progress };
}

function isProgress(value: unknown): value is MessageProgress {
  if (!isPlainObject(value) || Object.keys(value).length !== 2) return false;
  const { source, sequence } = value;
  const isSource = typeof source === 'string' && progressSourcePattern.test(source);
  return isSource && Number.isSafeInteger(sequence) && Number(sequence) >= 1;
}

function refuse(field: string, reason: string): Body {
  return { problem: { field, reason } };
}

const encoder = new TextEncoder();

/** Looks at brackets only, so it holds for text that is not JSON, too. On bytes: several times faster than on text. */
function isNestedDeeper(text: string, depthMax: number): boolean {
  if (!hasMore(text, '{', depthMax / 2) && !hasMore(text, '[', depthMax / 2)) return false;
  const bytes = encoder.encode(text);
  let depth = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === 0x22) {
      i = endOfString(bytes, i);
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > depthMax) return true;
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--;
    }
  }
  return false;
}

/** The text has this character more than `max` times. Most messages are told by their few brackets. */
function hasMore(text: string, character: string, max: number): boolean {
  let count = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) {
    if (++count > max) return true;
  }
  return false;
}

/** Index of the quote that closes the string opened at `start`, or the end of the text. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let i = start + 1; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === 0x22) return i;
    if (byte === 0x5c) i++;
  }
  return bytes.length;
}
