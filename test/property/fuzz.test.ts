/** The short run of `npm run fuzz`: whatever is done to a blob, a DatasetError or a value, soon and in little memory. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyDelta } from '../../lib/blob/apply-delta.ts';
import { decodeSnapshot } from '../../lib/blob/decode-snapshot.ts';
import { encodeDelta } from '../../lib/blob/encode-delta.ts';
import { encodeSnapshot } from '../../lib/blob/encode-snapshot.ts';
import { DatasetSchema } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import { ReadState } from '../../lib/state/read-state.ts';
import { WriteState } from '../../lib/state/write-state.ts';
import { runChain } from '../fuzz/chain.ts';
import { runEvolvingChain } from '../fuzz/evolving-chain.ts';
import { fuzz, soundHashes } from '../fuzz/fuzz.ts';
import { recordView } from '../support/record-view.ts';
import { noParts, noTags } from '../support/writer-model.ts';

const root = join(import.meta.dirname, '..', '..');

describe('damaged blobs', () => {
  it('of every kind are refused, or read as something', () => {
    const before = soundHashes();
    const { finds, refused, accepted } = fuzz({ seed: 1, count: 4_000, runMsMax: 5_000 });
    expect(finds).toEqual([]);
    expect(accepted).toBeGreaterThan(100);
    expect(refused['corrupt']).toBeGreaterThan(2_000);
    expect(refused['incompatible']).toBeGreaterThan(40);
    // The states that deltas start from are as they were.
    expect(soundHashes()).toEqual(before);
  });

  // The collector is asked often, in a small heap: slow where the machine is busy.
  it('take no more memory than is stated, in a process that has little, the hostile ones too', {
    timeout: 120_000,
  }, () => {
    const limits = ['--expose-gc', '--max-old-space-size=96'];
    const program = join(root, 'test', 'fuzz', 'main.ts');
    const args = [...limits, program, '--seed', '900000', '--count', '500', '--chains', '0'];
    const output = execFileSync(process.execPath, args, { encoding: 'utf8' });
    expect(output).toMatch(/500 damaged blobs from seed 900000/);
    expect(output).toMatch(/ordinals at the far end: \d+ bytes, read/);
  });
});

describe('records that lead to themselves', () => {
  /** Lists in lists, the innermost the outermost: what only damage makes. */
  function circle(): ReadState {
    const schema = DatasetSchema.of(
      parseSchemas('Root @PrimaryKey(id) { int id; Tree tree; } Tree List<Tree>;'),
    );
    const empty = ReadState.empty(schema);
    const cycle = WriteState.restore(empty).begin();
    cycle.add('Root', { id: 1, tree: [[], []] });
    const delta = encodeDelta(cycle.transition(), { tag: 1n, headerTags: noTags, parts: noParts });
    const { main } = encodeSnapshot(applyDelta(empty, delta.main).state, { parts: noParts });
    // The list of the empty list twice, ordinal 1, becomes one of itself twice: both elements are bits of one word.
    const words = [...main.keys()].filter((at) => decodesWithout(main, at));
    expect(words.length).toBeGreaterThan(0);
    return decodeSnapshot(flipped(main, words[0] as number));
  }

  function flipped(main: Uint8Array, at: number): Uint8Array {
    const copy = Uint8Array.from(main);
    copy[at] = 0b11;
    return copy;
  }

  /** Is it there that the elements stand? */
  function decodesWithout(main: Uint8Array, at: number): boolean {
    try {
      const tree = decodeSnapshot(flipped(main, at)).type('Tree');
      return tree.kind === 'LIST' && [...tree.elements(1)].join() === '1,1';
    } catch {
      return false;
    }
  }

  it('end in an error, although there are 2^256 ways to go', () => {
    const state = circle();
    const view = recordView(state, 'Root', 0);
    const corrupt = expect.objectContaining({ kind: 'corrupt' });
    expect(() => view['tree']).toThrow(corrupt);
    expect(() => view.toJSON()).toThrow(corrupt);
    expect(() => view['tree']).toThrow(/nested more than 256 deep/);
  });
});

describe('random chains', () => {
  it.each([1, 2, 3, 4, 5, 6])('of every kind of type, seed %i', (seed) => {
    expect(() => runChain(seed * 1_000)).not.toThrow();
  });

  it('whose schema changes', () => {
    for (let seed = 0; seed < 30; seed++) expect(() => runEvolvingChain(seed)).not.toThrow();
  });
});
