import { type FileHandle, open } from 'node:fs/promises';
import { DatasetError } from './errors.ts';

const pageSize = 4096;

/**
 * Linux copies into memory fastest where it begins at a page, and malloc places what is big 16 bytes behind the start of
 * one. Elsewhere this is a small waste.
 */
const leadSize = pageSize - 16;

/** Fresh memory costs a fault for each of its pages; two threads have them at once, more gain nothing on two cores. */
const partsMax = 2;
const partSizeMin = 4 * 2 ** 20;
/** Node reads no more in one go. */
const partSizeMax = 2 ** 30;

/**
 * The content of a file that nobody changes. Of big files twice as fast as `readFile`, which reads in one piece and
 * wherever its memory happens to begin (76 MB on two cores: 34 ms instead of 95).
 *
 * @param sizeMax no memory is taken for more
 * @throws DatasetError `corrupt` if it is bigger; `unavailable` if it became shorter meanwhile; the file system's own errors
 */
export async function readFileBytes(path: string, sizeMax = Infinity): Promise<Uint8Array<ArrayBuffer>> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    if (size > sizeMax)
      throw new DatasetError('corrupt', `'${path}' has ${size} bytes, more than ${sizeMax}`, { path });
    const bytes = new Uint8Array(Buffer.allocUnsafeSlow(leadSize + size).buffer, leadSize, size);
    const share = Math.ceil(size / partsMax / pageSize) * pageSize;
    const partSize = Math.min(Math.max(share, partSizeMin), partSizeMax);
    const reads: Promise<void>[] = [];
    for (let at = 0; at < size; at += partSize) {
      reads.push(readPart(handle, path, bytes, { start: at, end: Math.min(at + partSize, size) }));
    }
    await Promise.all(reads);
    return bytes;
  } finally {
    await handle.close();
  }
}

async function readPart(
  handle: FileHandle,
  path: string,
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
): Promise<void> {
  for (let at = start; at < end; ) {
    const { bytesRead } = await handle.read(bytes, at, end - at, at);
    if (bytesRead === 0)
      throw new DatasetError('unavailable', `'${path}' ends too soon: it was changed`, { path });
    at += bytesRead;
  }
}
