import { toHex } from '../hex.ts';
import type { Random } from '../ports.ts';

/** A commit id and the state tag that follows from it. */
export interface CommitId {
  /** 128 random bits as hex digits. */
  readonly cid: string;
  /** Signed 64 bits. */
  readonly tag: bigint;
}

/**
 * Draws the id of the next commit. The state's tag is its first half, so that a snapshot of a version has the same tags
 * whoever writes it. Java readers use the tag's high half to tell neighbouring states apart, with 0 and all ones meaning
 * "none": ids with such tags are drawn again.
 */
export function drawCommitId(random: Random, previousTag: bigint): CommitId {
  for (;;) {
    const cid = toHex(random.bytes(16));
    const tag = tagOfCommit(cid);
    const high = highHalf(tag);
    if (high !== 0n && high !== 0xffff_ffffn && high !== highHalf(previousTag)) return { cid, tag };
  }
}

/** The tag of the state that a commit makes. */
export function tagOfCommit(cid: string): bigint {
  return BigInt.asIntN(64, BigInt(`0x${cid.slice(0, 16)}`));
}

function highHalf(tag: bigint): bigint {
  return (tag >> 32n) & 0xffff_ffffn;
}
