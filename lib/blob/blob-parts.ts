import { ByteWriter } from '../bytes/byte-writer.ts';
import { DatasetError } from '../errors.ts';
import type { DatasetSchema } from '../schema/dataset-schema.ts';
import type { Schema } from '../schema/schema.ts';
import { type NewHeader, writeHeader, writePartHeader } from './encode-header.ts';

/** Names of optional parts, and the types that are in each instead of the main blob. */
export type PartTypes = ReadonlyMap<string, readonly string[]>;

export interface EncodedBlob {
  readonly main: Uint8Array<ArrayBuffer>;
  /** One for each part that was asked for, be it without sections. */
  readonly parts: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** One type of a blob, whatever the kind of blob. */
export interface BlobSection {
  readonly schema: Schema;
  /** About how many bytes it will take, if that is known. */
  readonly sizeExpected?: number;
  write(out: ByteWriter): void;
}

/**
 * Puts headers and sections together, each section into its part.
 *
 * @throws DatasetError `invalid`: a part names a type that is not in the schema, or that another part has too
 */
export function assembleBlob(
  header: Omit<NewHeader, 'schemas'>,
  sections: readonly BlobSection[],
  { schema, parts }: { readonly schema: DatasetSchema; readonly parts: PartTypes },
): EncodedBlob {
  const partOf = partsByType(schema, parts);
  const sectionsOf = (part: string | undefined) =>
    sections.filter((section) => partOf.get(section.schema.name) === part);
  const assemble = (part: string | undefined): Uint8Array<ArrayBuffer> => {
    const own = sectionsOf(part);
    const schemas = own.map((section) => section.schema);
    const out = new ByteWriter(own.reduce((sum, { sizeExpected = 0 }) => sum + sizeExpected, 4096));
    if (part === undefined) writeHeader({ ...header, schemas }, out);
    else writePartHeader(part, { ...header, schemas }, out);
    for (const section of own) section.write(out);
    return out.take();
  };
  return {
    main: assemble(undefined),
    parts: new Map([...parts.keys()].map((part) => [part, assemble(part)])),
  };
}

function partsByType(schema: DatasetSchema, parts: PartTypes): ReadonlyMap<string, string> {
  const partOf = new Map<string, string>();
  for (const [part, types] of parts) {
    for (const type of types) {
      if (schema.find(type) === undefined || partOf.has(type)) {
        throw new DatasetError('invalid', `part '${part}': the type '${type}' is unknown or in two parts`, {
          part,
          type,
        });
      }
      partOf.set(type, part);
    }
  }
  return partOf;
}
