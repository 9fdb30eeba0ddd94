/**
 * A claim check: a message that is too large for the queue lies in the inbox, and what is sent names it:
 *
 *     {"claim":{"ref":"inbox/d/cities/…","size":123456,"sha256":"…","encoding":"zstd"},"progress"?:{"source":"s","sequence":n}}
 *
 * `size` and `sha256` are of the bytes as they lie there; what they hold, decoded, is the text of a message. The number of
 * the message stands beside the claim, so that it is known also when the claim cannot be opened.
 */
import * as z from 'zod';
import { DatasetError } from './errors.ts';
import { hex256Pattern } from './field-reader.ts';
import { limits } from './limits.ts';
import { type Codec, type ContentEncoding, contentEncodings, type Inbox } from './ports.ts';
import { type MessageProgress, progressSourcePattern } from './receipt.ts';

export interface ClaimPorts {
  readonly inbox: Inbox;
  readonly codec: Codec;
}

const claimShape = z.strictObject({
  claim: z.strictObject({
    ref: z.string(),
    size: z.int().min(0).max(limits.claimSizeMax),
    sha256: z.string().regex(hex256Pattern),
    encoding: z.enum(contentEncodings),
  }),
  progress: z
    .strictObject({ source: z.string().regex(progressSourcePattern), sequence: z.int().min(1) })
    .optional(),
});

type ClaimMessage = z.output<typeof claimShape>;

/**
 * Puts the text of a message into the inbox.
 *
 * @returns the text to send in its place
 * @throws DatasetError `invalid`: it is too large for a claim as well
 */
export async function putClaim(
  { inbox, codec }: ClaimPorts,
  body: string,
  encoding: ContentEncoding = 'zstd',
): Promise<string> {
  const content = new TextEncoder().encode(body);
  const bytes = await codec.compress(encoding, content);
  if (content.length > limits.claimContentSizeMax || bytes.length > limits.claimSizeMax) {
    throw new DatasetError('invalid', `a message of ${content.length} bytes is too large for a claim`, {
      size: content.length,
    });
  }
  const sha256 = await codec.sha256(bytes);
  const ref = await inbox.put(bytes);
  return JSON.stringify({ claim: { ref, size: bytes.length, sha256, encoding } });
}

/** True: the text of a message may be a claim, and {@link openClaim} will tell. Cheap, since nearly none is. */
export function isClaim(body: string): boolean {
  return body.length <= limits.claimBodySizeMax && /^\s*\{\s*"claim"\s*:/.test(body);
}

/**
 * The text that a claim stands for.
 *
 * @throws DatasetError `rejected`: with the rule that it breaks, for quarantine; and whatever the inbox rejects with
 */
export async function openClaim({ inbox, codec }: ClaimPorts, body: string): Promise<string> {
  const { ref, size, sha256, encoding } = parseClaim(body).claim;
  const bytes = await inbox.get(ref, size);
  if (bytes === null) throw rejected('claim.ref', 'there is no such object in the inbox, or no more');
  if (bytes.length !== size)
    throw rejected('claim.size', `the object has ${bytes.length} bytes, not ${size}`);
  if ((await codec.sha256(bytes)) !== sha256) throw rejected('claim.sha256', 'the object has another digest');
  const content = await codec.decompress(encoding, bytes, limits.claimContentSizeMax);
  return new TextDecoder().decode(content);
}

/**
 * Which message of its source the one with this claim is; null: it does not say.
 *
 * @throws DatasetError `rejected`: it is no claim
 */
export function claimProgress(body: string): MessageProgress | null {
  return parseClaim(body).progress ?? null;
}

function parseClaim(body: string): ClaimMessage {
  let content: unknown;
  try {
    content = JSON.parse(body);
  } catch {
    throw rejected('', 'not JSON');
  }
  const parsed = claimShape.safeParse(content);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw rejected((issue?.path ?? []).join('.'), issue?.message ?? 'not a claim');
}

function rejected(field: string, reason: string): DatasetError {
  return new DatasetError('rejected', reason, { field });
}
