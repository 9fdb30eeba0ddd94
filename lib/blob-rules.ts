import { DatasetError } from './errors.ts';
import type { BlobMetadata } from './ports.ts';

const segmentPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,254}$/; // file systems' bound
const metadataKeyPattern = /^[a-z0-9]+$/;
const metadataValuePattern = /^[\x20-\x7e]+$/;
const nameSizeMax = 1_024; // S3's keys
const metadataSizeMax = 2_048; // S3's user metadata, keys and values together

/** Refuses (`invalid`) a name that one of the stores cannot keep, or that could leave its folder. */
export function checkBlobName(name: string): void {
  const isSound = name.length <= nameSizeMax && name.split('/').every((part) => segmentPattern.test(part));
  if (!isSound)
    throw new DatasetError('invalid', 'blob name: empty, too long, or has a part that is not plain', {
      name,
    });
}

/** Refuses (`invalid`) a prefix that does not end at a folder, or could leave its own. */
export function checkBlobPrefix(prefix: string): void {
  if (!prefix.endsWith('/'))
    throw new DatasetError('invalid', 'blob prefix: must end with a slash', { prefix });
  checkBlobName(prefix.slice(0, -1));
}

/** Refuses (`invalid`) metadata that one of the stores cannot give back unchanged. */
export function checkBlobMetadata(metadata: BlobMetadata): void {
  let size = 0;
  for (const [key, value] of Object.entries(metadata)) {
    if (!metadataKeyPattern.test(key)) throw new DatasetError('invalid', `blob metadata: key ${key}`);
    if (!metadataValuePattern.test(value) || value.trim() !== value) {
      throw new DatasetError('invalid', `blob metadata: ${key} is empty or not plain ASCII`);
    }
    size += key.length + value.length;
  }
  if (size > metadataSizeMax) {
    throw new DatasetError('invalid', `blob metadata: ${size} of at most ${metadataSizeMax} bytes`, { size });
  }
}

/** Refuses (`rejected`) a blob that is larger than the reader is ready for. */
export function checkBlobSize(name: string, size: number, sizeMax: number | undefined): void {
  if (sizeMax === undefined || size <= sizeMax) return;
  throw new DatasetError('rejected', `get ${name}: ${size} of at most ${sizeMax} bytes`, { name, size });
}
