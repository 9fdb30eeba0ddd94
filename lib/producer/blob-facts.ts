import { FieldReader, hex128Pattern } from '../field-reader.ts';
import type { BlobMetadata, StateHashes } from '../ports.ts';

/** Layout of blob metadata. */
const metadataFormat = '1';

/** What a blob's metadata say about the version it leads to. */
export interface BlobFacts {
  readonly cid: string;
  /** What a delta starts from, and the era in which it was to be committed; null for a snapshot. */
  readonly from: { readonly cid: string; readonly era: number } | null;
  readonly schemaId: string;
  readonly hashes: StateHashes;
}

/** Snapshots carry no era: whoever writes one of a version writes the same, also after a restore. */
export function metadataOf({ cid, from, schemaId, hashes }: BlobFacts): BlobMetadata {
  return {
    format: metadataFormat,
    cid,
    schemaid: schemaId,
    hash: hashes.data,
    bookkeepinghash: hashes.bookkeeping,
    ...(from === null ? {} : { fromcid: from.cid, era: String(from.era) }),
  };
}

/** The opposite; `corrupt` for what {@link metadataOf} did not write. */
export function blobFactsOf(name: string, metadata: BlobMetadata): BlobFacts {
  const fields = new FieldReader(metadata, `metadata of ${name}`);
  const fromCid = fields.optionalString('fromcid', hex128Pattern);
  return {
    cid: fields.string('cid', hex128Pattern),
    from:
      fromCid === undefined ? null : { cid: fromCid, era: Number(fields.string('era', /^[1-9]\d{0,14}$/)) },
    schemaId: fields.string('schemaid'),
    hashes: {
      data: fields.string('hash', hex128Pattern),
      bookkeeping: fields.string('bookkeepinghash', hex128Pattern),
    },
  };
}
