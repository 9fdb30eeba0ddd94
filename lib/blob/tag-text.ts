/** A state's tag as people see it: 16 hex digits. */
export function tagText(tag: bigint): string {
  return BigInt.asUintN(64, tag).toString(16).padStart(16, '0');
}
