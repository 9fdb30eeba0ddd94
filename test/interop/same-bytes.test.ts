/** Java and we are told the same records, from the first version on: every blob is the same, byte for byte. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { env } from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readHeader } from '../../lib/blob/decode-header.ts';
import { ByteReader } from '../../lib/bytes/byte-reader.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import type { LineProcess } from '../support/line-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { canRunJava } from './support/java-availability.ts';
import { replies, startJava } from './support/java-hollow.ts';
import { OurWriter } from './support/our-writer.ts';
import { RandomDataset } from './support/random-dataset.ts';
import { randomSchema } from './support/random-schema.ts';
import { Seeded } from './support/seeded.ts';

const seedCount = Number(env['INTEROP_SEEDS'] ?? 8);
const firstSeed = Number(env['INTEROP_SEED'] ?? 1);
const versionCount = 16;

/** The header, and all bytes behind it. Java's tags are in the order of its hash map, and not all of them are complete. */
function parts(bytes: Uint8Array): object {
  const reader = new ByteReader(bytes);
  const { headerTags, ...header } = readHeader(reader);
  const known = [...headerTags].filter(([name]) => name !== 'hollow.type.resharding.invoked');
  return { ...header, tags: Object.fromEntries(known), rest: Buffer.from(bytes.subarray(reader.position)) };
}

describe.skipIf(!canRunJava())('the blobs of a random chain', () => {
  let java: LineProcess;
  let scratch: Awaited<ReturnType<typeof temporaryDirectory>>;
  beforeAll(async () => {
    java = startJava();
    scratch = await temporaryDirectory();
  });
  afterAll(async () => {
    await java[Symbol.asyncDispose]();
    await scratch.remove();
  });

  const file = (kind: string): string => join(scratch.path, kind);

  it.each(Array.from({ length: seedCount }, (_, i) => firstSeed + i))(
    'are those that Java writes, seed %i',
    async (seed) => {
      const random = new Seeded(seed);
      const model = randomSchema(random);
      const dataset = new RandomDataset(model, random, 30);
      const shardCounts = { String: 4, SetOfString: 2, Item: 2, Leaf: 8, MapOfLeafToList: 2 };
      const isResharded = random.chance(50);
      const shards = isResharded ? { reshardToSize: 400 } : { numShards: shardCounts };
      await java.request('engine.open', { session: 'w', ...model.forJava, ...shards });
      let writer: OurWriter | null = null;
      for (let version = 1; version <= versionCount; version++) {
        const isFirst = version === 1;
        const { records } = dataset;
        const tag = (BigInt(random.below(2 ** 31)) << 32n) | BigInt(version);
        const write = {
          snapshot: file('snapshot'),
          ...(!isFirst && { delta: file('delta'), reversedelta: file('reverseDelta') }),
        };
        const headerTags = { version: String(version) };
        const hexTag = tag.toString(16).padStart(16, '0');
        await java.request(
          'engine.state',
          { session: 'w', records, headerTags, tag: hexTag, write },
          replies.state,
        );
        const snapshot = await readFile(file('snapshot'));
        // Java sorts the types of a text in its own way.
        const { schemas } = readHeader(new ByteReader(snapshot));
        writer ??= new OurWriter({ ...model, schema: DatasetSchema.of(schemas) }, null);
        const written = writer.write({}, records, {
          mode: 'populate',
          tag,
          headerTags: new Map(Object.entries(headerTags)),
          ...(isResharded && { shardSizeMax: 400 }),
          ...(isFirst && !isResharded && { shardCounts: new Map(Object.entries(shardCounts)) }),
        });
        expect(parts(written.snapshot.main), `version ${version}`).toEqual(parts(snapshot));
        if (!isFirst) {
          for (const kind of ['delta', 'reverseDelta'] as const)
            expect(parts(written[kind].main), `version ${version}, ${kind}`).toEqual(
              parts(await readFile(file(kind))),
            );
        }
        dataset.change(3 + random.below(20));
      }
    },
  );
});
