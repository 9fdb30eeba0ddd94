/**
 * The one error class of the library. Kinds are few and named by what the caller must do; they are the contract.
 * Message texts are for people and may change.
 *
 * | kind           | what the caller must do                                                        |
 * |----------------|--------------------------------------------------------------------------------|
 * | `conflict`     | another writer was first: read the head again and plan again                     |
 * | `unavailable`  | something outside failed or timed out, its outcome may be unknown: back off, retry |
 * | `rejected`     | a record or message broke a rule: set it aside with the reason, never retry      |
 * | `refused`      | a validator refuses the whole next version: stop and let a person decide         |
 * | `incompatible` | this format or schema cannot be read here: upgrade or evolve                     |
 * | `corrupt`      | checksum or structure is wrong: take another path (a snapshot), raise an alarm   |
 * | `denied`       | no permission; never to be read as "missing"                                     |
 * | `invalid`      | a mistake of the caller: fix the call                                            |
 */
export const errorKinds = [
  'conflict',
  'unavailable',
  'rejected',
  'refused',
  'incompatible',
  'corrupt',
  'denied',
  'invalid',
] as const;

export type ErrorKind = (typeof errorKinds)[number];

/** Plain facts about an error, for logs: names, sizes, offsets. Never whole records. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>;

/**
 * @example
 * try { await consumer.refresh(); } catch (error) {
 *   if (isDatasetError(error, 'unavailable')) return keepServing();
 *   throw error;
 * }
 */
export class DatasetError extends Error {
  override readonly name = 'DatasetError';
  readonly kind: ErrorKind;
  readonly details: ErrorDetails;

  constructor(kind: ErrorKind, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.details = details;
  }
}

/** True for a DatasetError (of `kind`, if it is given). Works if the package is installed twice, too. */
export function isDatasetError(error: unknown, kind?: ErrorKind): error is DatasetError {
  if (!(error instanceof Error) || error.name !== 'DatasetError' || !('kind' in error)) return false;
  return kind === undefined || error.kind === kind;
}
