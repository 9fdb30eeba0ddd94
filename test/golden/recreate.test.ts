/**
 * Java's blobs made again, byte for byte, from the JSON of what they contain: records go in through the public write
 * API, and the engine finds ordinals, widths, layout and (reshard) shard counts by itself.
 */
import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { readHeader } from '../../lib/blob/decode-header.ts';
import { writeHeader } from '../../lib/blob/encode-header.ts';
import { ByteReader } from '../../lib/bytes/byte-reader.ts';
import { ByteWriter } from '../../lib/bytes/byte-writer.ts';
import {
  applyDelta,
  type Cycle,
  type CycleOptions,
  decodeSnapshot,
  type EncodedBlob,
  encodeDelta,
  encodeFirstSnapshot,
  encodeReverseDelta,
  encodeSnapshot,
  nextHeaderTags,
  ReadState,
  transitionBetween,
  WriteState,
} from '../../lib/engine.ts';
import { DatasetSchema } from '../../lib/index.ts';
import {
  type ExpectedState,
  type ExpectedType,
  expectedRecords,
  expectedSchema,
  fixturesRoot,
  readExpected,
  readFixture,
} from '../support/golden-fixtures.ts';

interface Chain {
  readonly caseName: string;
  /** In the order in which the Java program registered them: blobs keep it, the JSON does not tell. */
  readonly types: readonly string[];
  readonly parts?: ReadonlyMap<string, readonly string[]>;
  /** Continue Java's snapshot of this version instead of starting a chain. */
  readonly restoredAt?: number;
  readonly lastVersion?: number;
  readonly options?: (version: number, expected: ExpectedState) => CycleOptions;
}

const shardTypes = ['O', 'L', 'S', 'S0', 'M', 'E'];

/** Shard counts that the Java program gave its types. */
const givenShards = (_: number, expected: ExpectedState): CycleOptions => ({
  shardCounts: new Map(Object.entries(expected.types).map(([name, type]) => [name, type.numShards])),
});

/** The Java program changed its target size as it went; these are within the bounds that its shard counts allow. */
const shardSizes = [2048, 960, 960, 960, 960, 4096, 4096, 256, 256, 4096];

const chains: readonly Chain[] = [
  { caseName: 'all-field-types', types: ['All', 'Str'] },
  { caseName: 'big', types: ['Item', 'Name', 'Related'] },
  {
    caseName: 'collections',
    types: ['Str', 'Leaf', 'E', 'ListOfE', 'ListOfList']
      .concat(['SetPlain', 'SetById', 'SetByName', 'SetByMulti', 'SetByLeaf', 'SetByRef'])
      .concat(['MapPlain', 'MapById', 'MapByMulti', 'MapZero']),
  },
  {
    caseName: 'empty-types',
    types: ['Never', 'Some'].flatMap((name) => [name, `${name}List`, `${name}Set`, `${name}Map`]),
  },
  { caseName: 'header-tags', types: ['T'] },
  { caseName: 'nulls', types: ['N', 'M'] },
  {
    caseName: 'optional-parts',
    types: ['Main', 'Extra', 'Extra2'],
    parts: new Map([['extras', ['Extra', 'Extra2']]]),
  },
  { caseName: 'ordinal-reuse', types: ['A', 'B', 'L', 'S', 'M'] },
  {
    caseName: 'pojo-object-mapper',
    types: ['String', 'Integer', 'Boolean', 'Double', 'Kind', 'Actor', 'ListOfActor', 'SetOfString'].concat([
      'SetOfActor',
      'MapOfStringToInteger',
      'MapOfActorToString',
      'Genre',
      'Date',
      'Movie',
    ]),
  },
  {
    caseName: 'reshard',
    types: ['O', 'L', 'S', 'M'],
    options: (version) => ({ shardSizeMax: shardSizes[version - 1] as number }),
  },
  { caseName: 'schema-evolution', types: ['Mv', 'Tags', 'Tag', 'Dropped'], lastVersion: 3 },
  {
    caseName: 'schema-evolution',
    types: ['Mv', 'Tags', 'Tag', 'NewT', 'NewL'],
    restoredAt: 4,
    lastVersion: 6,
  },
  { caseName: 'schema-evolution', types: ['Mv', 'Tags', 'Tag'], restoredAt: 7 },
  { caseName: 'shards-1', types: shardTypes, options: givenShards },
  { caseName: 'shards-2', types: shardTypes, options: givenShards },
  { caseName: 'shards-8', types: shardTypes, options: givenShards },
  { caseName: 'shards-8-focus-holes', types: shardTypes, options: givenShards, lastVersion: 3 },
  {
    caseName: 'single-field-types',
    types: ['INT', 'LONG', 'BOOLEAN', 'FLOAT', 'DOUBLE', 'STRING', 'BYTES']
      .map((kind) => `Just${kind}`)
      .concat('NoFields'),
  },
  { caseName: 'tiny-worked-example', types: ['P', 'Ps'] },
];

/** Blobs that are not made again, and why. */
const notRecreated: readonly {
  readonly caseName: string;
  readonly blobs: readonly string[];
  readonly reason: string;
}[] = [
  {
    caseName: 'schema-evolution',
    blobs: ['delta-3-4', 'reversedelta-4-3', 'snapshot-4', 'delta-6-7', 'reversedelta-7-6', 'snapshot-7'],
    reason:
      'restored under a changed schema: Java keeps the ordinals of records that change, we do not (evolve-state.ts)',
  },
  {
    caseName: 'shards-8-focus-holes',
    blobs: [4, 5, 6].flatMap((n) => [`delta-${n - 1}-${n}`, `reversedelta-${n}-${n - 1}`, `snapshot-${n}`]),
    reason:
      'written with an option that fills holes in few shards first: ordinals are handed out lowest first here',
  },
];

const reshardingTag = 'hollow.type.resharding.invoked';
const mainBlobFormat = 1030;
const recreated = new Set<string>();

/** The header tags of the JSON in the order of the fixture's: Java's is that of a hash map, and means nothing. */
function inOrderOf(fixture: Uint8Array, tags: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const { headerTags } = readHeader(new ByteReader(fixture));
  expect(Object.fromEntries(headerTags)).toEqual(tags);
  return headerTags;
}

/** The blob with its header tags in the order of those of another blob, which must be the same as a set. */
function withTagsInOrderOf(model: Uint8Array, blob: Uint8Array): Uint8Array {
  if (new DataView(blob.buffer, blob.byteOffset).getInt32(0) !== mainBlobFormat) return blob;
  const [reader, modelReader] = [new ByteReader(blob), new ByteReader(model)];
  const header = readHeader(reader);
  const { headerTags } = readHeader(modelReader);
  expect(Object.fromEntries(headerTags)).toEqual(Object.fromEntries(header.headerTags));
  const out = new ByteWriter();
  writeHeader({ ...header, headerTags }, out);
  out.writeBytes(blob, reader.position);
  return out.take();
}

function expectSameBytes(actual: Uint8Array, name: string, file: string): void {
  const fixture = readFixture(name, file);
  if (fixture === null) throw new Error(`there is no fixture ${name}/${file}`);
  // A reverse delta carries the tags of the older state, in an order that Java chose anew.
  const bytes = file.startsWith('reversedelta') ? withTagsInOrderOf(actual, fixture) : fixture;
  const at = bytes.findIndex((byte, i) => byte !== actual[i]);
  const around = (of: Uint8Array) => Buffer.from(of.subarray(Math.max(0, at - 8), at + 24)).toString('hex');
  if (at >= 0) expect(`at ${at}: ${around(actual)}`, file).toBe(`at ${at}: ${around(bytes)}`);
  expect(actual.length, `size of ${file}`).toBe(bytes.length);
  recreated.add(`${name}/${file}`);
}

/** Children first: a record's ordinal must be known before the records that refer to it are added. */
function childrenFirst(schema: DatasetSchema): readonly string[] {
  const order = new Set<string>();
  const visited = new Set<string>();
  const visit = (name: string): void => {
    if (visited.has(name)) return;
    visited.add(name);
    const type = schema.get(name);
    if (type.kind === 'OBJECT') for (const field of type.fields) visit(field.referencedType ?? name);
    else
      for (const child of type.kind === 'MAP' ? [type.keyType, type.valueType] : [type.elementType])
        visit(child);
    order.add(name);
  };
  for (const { name } of schema.schemas) visit(name);
  return [...order];
}

function expectedType({ types }: ExpectedState, name: string): ExpectedType {
  const type = types[name];
  if (type === undefined) throw new Error(`the fixture has no type ${name}`);
  return type;
}

function populate(cycle: Cycle, schema: DatasetSchema, expected: ExpectedState): void {
  for (const type of childrenFirst(schema)) {
    for (const [ordinal, values] of expectedRecords(expectedType(expected, type))) {
      const given = cycle.addFlat(type, values);
      // Not by expect: of these there are hundreds of thousands.
      if (given !== ordinal) throw new Error(`${type}: ordinal ${given} instead of ${ordinal}`);
    }
  }
}

function requireExpected(caseName: string, version: number): ExpectedState {
  const expected = readExpected(caseName, `expected-${version}.json`);
  if (expected === null) throw new Error(`${caseName} has no version ${version}`);
  return expected;
}

function startOf({ caseName, types, restoredAt }: Chain): ReadState {
  const first = requireExpected(caseName, restoredAt ?? 1);
  expect(Object.keys(first.types).toSorted()).toEqual(types.toSorted());
  const schema = DatasetSchema.of(types.map((name) => expectedSchema(name, expectedType(first, name))));
  if (restoredAt === undefined) return ReadState.empty(schema);
  return decodeSnapshot(readFixture(caseName, `snapshot-${restoredAt}`) ?? new Uint8Array(0));
}

describe.each(chains)('$caseName from version $restoredAt', (chain) => {
  const { caseName, restoredAt = 0, parts = new Map<string, string[]>() } = chain;
  const versions = readdirSync(`${fixturesRoot}/${caseName}`).filter((file) => file.startsWith('snapshot-'));
  const lastVersion = chain.lastVersion ?? versions.filter((file) => !file.includes('part')).length;

  const compare = (blob: EncodedBlob, file: string): void => {
    expectSameBytes(blob.main, caseName, file);
    for (const [part, bytes] of blob.parts) expectSameBytes(bytes, caseName, `${file}.part-${part}`);
  };

  it('every blob of the chain, back and forth', () => {
    const writer = WriteState.restore(startOf(chain));
    for (let version = restoredAt + 1; version <= lastVersion; version++) {
      const expected = requireExpected(caseName, version);
      const cycle = writer.begin({ mode: 'populate', ...chain.options?.(version, expected) });
      populate(cycle, writer.state.schema, expected);
      const snapshot = readFixture(caseName, `snapshot-${version}`) ?? new Uint8Array(0);
      const headerTags = inOrderOf(snapshot, expected.headerTags);
      const tag = BigInt(expected.destinationTag);
      const transition = cycle.transition();
      // Java appends to this tag from several threads at once, and loses some.
      const reshardings = nextHeaderTags(transition, BigInt(version)).get(reshardingTag)?.split(' ');
      const javas = expected.headerTags[reshardingTag]?.split(' ');
      if (javas === undefined) expect(reshardings).toBeUndefined();
      else expect(reshardings).toEqual(expect.arrayContaining(javas));
      const delta = encodeDelta(transition, { tag, headerTags, parts });
      if (version > 1) {
        compare(delta, `delta-${version - 1}-${version}`);
        compare(encodeReverseDelta(transition, { tag, parts }), `reversedelta-${version}-${version - 1}`);
      }
      const { state, changes } = applyDelta(writer.state, delta.main, delta.parts);
      if (version > 1) {
        // By a reader, who knows of the transition what the delta says.
        const followed = transitionBetween(writer.state, state, changes);
        compare(encodeReverseDelta(followed, { tag, parts }), `reversedelta-${version}-${version - 1}`);
        compare(encodeDelta(followed, { tag, headerTags, parts }), `delta-${version - 1}-${version}`);
      }
      if (version % 2 === 0) writer.advance(state, changes);
      else writer.follow(state, transition);
      if (version === 1) compare(encodeFirstSnapshot(transition, { tag, headerTags, parts }), 'snapshot-1');
      compare(encodeSnapshot(state, { parts, statistics: writer.statistics }), `snapshot-${version}`);
    }
  });
});

describe('all fixtures', () => {
  it('are made again, but for those that are listed with their reason', () => {
    const blobs = readdirSync(fixturesRoot, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\/(snapshot|delta|reversedelta)-/.test(file))
      .map((file) => file.replace(/\.gz$/, ''));
    const listed = notRecreated.flatMap((entry) => entry.blobs.map((blob) => `${entry.caseName}/${blob}`));
    expect([...recreated, ...listed].toSorted()).toEqual(blobs.toSorted());
    expect(blobs.length).toBeGreaterThan(300);
  });

  afterAll(() => {
    for (const { caseName, blobs, reason } of notRecreated)
      console.info(`not made again of ${caseName}: ${blobs.join(', ')}: ${reason}`);
  });
});
