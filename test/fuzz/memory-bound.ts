/** docs/format.md, "Damaged and hostile blobs": what decoding may take, in bytes. */
const perByte = 1_000;
/** A delta may name ordinals up to 2^29, however few: the tables of tables that lead there. */
const perType = 26 * 2 ** 20;

/**
 * @param size of the blob and its parts, in bytes
 * @param typeCount of the state that a delta starts from; 0 for a snapshot
 */
export function memoryMax(size: number, typeCount: number): number {
  return perByte * size + perType * typeCount + 2 ** 20;
}
