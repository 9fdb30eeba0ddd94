import type { VersionSource } from '../consumer/advance.ts';
import type { Announcer, BlobStore, ChainHeads, Clock, Random, Telemetry } from '../ports.ts';
import type { DatasetSchema } from '../schema/dataset-schema.ts';
import type { ChainBounds } from './chain.ts';
import type { ValidationOverride, Validator } from './validators.ts';

/** What every step of a producer works with. A producer is a consumer that may also commit. */
export interface ProducerContext extends VersionSource {
  /** Of each part, its types. */
  readonly parts: ReadonlyMap<string, readonly string[]>;
  readonly heads: ChainHeads;
  readonly blobs: BlobStore;
  readonly inline?: BlobStore | undefined;
  readonly announcer: Announcer;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** The user's types and the bookkeeping types. */
  readonly schema: DatasetSchema;
  /** Identity of the user's part of it. */
  readonly schemaId: string;
  /** Value of Hollow's own header tag of the schema. */
  readonly schemaHash: string;
  readonly bounds: ChainBounds;
  /** Rounds that may still be repeated after failures; of all calls of this producer together. */
  readonly retries: { left: number };
  readonly validators: readonly Validator[];
  readonly validationOverride: ValidationOverride | null;
}
