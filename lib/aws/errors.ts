import { DatasetError, type ErrorKind } from '../errors.ts';

/**
 * Error codes of DynamoDB, S3, SQS and EventBridge whose HTTP status says too little: most of these are plain 400s.
 * What is not here goes by status; what has no status never got an answer and is `unavailable`.
 */
const kindByCode: ReadonlyMap<string, ErrorKind> = new Map([
  ...codes('denied', [
    'AccessDenied',
    'AccessDeniedException',
    'CredentialsProviderError',
    'ExpiredToken',
    'ExpiredTokenException',
    'IncompleteSignature',
    'InvalidAccessKeyId',
    'InvalidClientTokenId',
    'InvalidSignatureException',
    'KmsAccessDenied',
    'KmsDisabled',
    'MissingAuthenticationTokenException',
    'NotAuthorized',
    'NotAuthorizedForSourceException',
    'SignatureDoesNotMatch',
    'UnrecognizedClientException',
  ]),
  ...codes('invalid', ['InvalidArgument', 'MalformedDetail', 'ResourceNotFoundException']),
  ...codes('unavailable', [
    'AbortError',
    'BadDigest', // damaged on the way, nothing was stored
    'IncompleteBody',
    'InternalException',
    'InternalFailure',
    'KmsThrottled',
    'LimitExceededException',
    'OverLimit',
    'ProvisionedThroughputExceededException',
    'ReceiptHandleIsInvalid', // of an older delivery: the message comes again, or is gone
    'ReplicatedWriteConflictException',
    'RequestLimitExceeded',
    'RequestThrottled',
    'RequestTimeout',
    'SlowDown',
    'Throttling',
    'ThrottlingException',
    'TransactionConflictException',
    'TransactionInProgressException',
    'XAmzContentSHA256Mismatch',
    'no outcome', // ours: a batch response without an outcome for an entry
  ]),
]);

/** What a failed SDK call means for the caller. DatasetErrors pass unchanged. */
export function awsError(error: unknown, doing: string): DatasetError {
  if (error instanceof DatasetError) return error;
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const details = { code: error instanceof Error ? error.name : '', status: statusOf(error) ?? null };
  return new DatasetError(kindOf(error), `${doing}: ${message}`, details, error);
}

/** For entries of a batch response, which carry a code but no status. */
export function kindOfCode(code: string, isSenderFault = false): ErrorKind {
  return kindByCode.get(code) ?? (isSenderFault ? 'invalid' : 'unavailable');
}

function kindOf(error: unknown): ErrorKind {
  if (!(error instanceof Error)) return 'unavailable';
  // The SDK's own error for a body that does not match its checksum: a plain Error while the body is read.
  if (error.message.startsWith('Checksum mismatch')) return 'corrupt';
  return kindByCode.get(error.name) ?? kindOfStatus(statusOf(error));
}

function kindOfStatus(status: number | undefined): ErrorKind {
  if (status === 401 || status === 403) return 'denied';
  const isRetryable = status === 408 || status === 409 || status === 425 || status === 429;
  return status !== undefined && status >= 400 && status < 500 && !isRetryable ? 'invalid' : 'unavailable';
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

function codes(kind: ErrorKind, names: readonly string[]): [string, ErrorKind][] {
  return names.map((name) => [name, kind]);
}
