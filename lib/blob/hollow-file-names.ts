import { DatasetError } from '../errors.ts';

/**
 * How Hollow's own tools name the files of a chain in a directory. Versions are Java longs: Hollow's default ones
 * (time and counter) are above 2^53, hence bigint.
 */
export type HollowFile =
  | { readonly kind: 'snapshot' | 'header'; readonly version: bigint }
  /** Of a reverse delta, `from` is the newer version. */
  | { readonly kind: 'delta' | 'reversedelta'; readonly from: bigint; readonly to: bigint };

/** Holds the newest announced version, as decimal digits. */
export const announcedVersionFile = 'announced.version';

const versionMax = 2n ** 63n - 1n;
const pattern = /^(snapshot|header|delta|reversedelta)(?:_(.+?))?-(\d{1,19})(?:-(\d{1,19}))?$/;

/**
 * @param part name of an optional part, for the file that holds it
 * @example
 * hollowFileName({ kind: 'delta', from: 1n, to: 2n })             // 'delta-1-2'
 * hollowFileName({ kind: 'snapshot', version: 2n }, 'extras')     // 'snapshot_extras-2'
 * @throws DatasetError `invalid`
 */
export function hollowFileName(file: HollowFile, part?: string): string {
  const versions = 'version' in file ? [file.version] : [file.from, file.to];
  for (const version of versions) {
    if (version < 0n || version > versionMax) {
      throw new DatasetError('invalid', `${version} is not a version: not within 0 and 2^63 - 1`);
    }
  }
  if (part !== undefined && !/^[A-Za-z0-9][A-Za-z0-9_]*$/.test(part)) {
    throw new DatasetError('invalid', `${JSON.stringify(part)} cannot name a part of a file`);
  }
  return `${file.kind}${part === undefined ? '' : `_${part}`}-${versions.join('-')}`;
}

/** The reverse of {@link hollowFileName}; null for the name of anything else. */
export function parseHollowFileName(name: string): { file: HollowFile; part: string | null } | null {
  const match = pattern.exec(name);
  if (match === null) return null;
  const [, kind, part = null, first = '', second] = match;
  if (kind === 'snapshot' || kind === 'header') {
    return second === undefined ? { file: { kind, version: BigInt(first) }, part } : null;
  }
  if (second === undefined || (kind !== 'delta' && kind !== 'reversedelta')) return null;
  return { file: { kind, from: BigInt(first), to: BigInt(second) }, part };
}

/** @throws DatasetError `invalid`: not the decimal digits of a version */
export function parseHollowVersion(text: string): bigint {
  const version = /^\d{1,19}$/.test(text) ? BigInt(text) : -1n;
  if (version < 0n || version > versionMax) {
    throw new DatasetError('invalid', `${JSON.stringify(text)} is not a version: not within 0 and 2^63 - 1`);
  }
  return version;
}
