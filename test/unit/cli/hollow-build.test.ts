import { randomUUID } from 'node:crypto';
import { appendFile, copyFile, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeSnapshot } from '../../../lib/blob/decode-snapshot.ts';
import { encodeHeaderBlob } from '../../../lib/blob/encode-header.ts';
import { withStoreLock } from '../../../lib/cli/store-lock.ts';
import { HollowDirectoryReader } from '../../../lib/hollow-directory/directory-reader.ts';
import { runHollowCaptured, runHollowWatched } from '../../support/captured-terminal.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const schema = `
City @PrimaryKey(id) { int id; String name; long population; SetOfString tags; }
SetOfString Set<String> @HashKey(value);
String { string value; }
`;
const city = (id: number, name: string, population: number, ...tags: string[]) => ({
  type: 'City',
  value: { id, name, population, tags },
});

let scratch: Awaited<ReturnType<typeof temporaryDirectory>>;
let store = '';
beforeEach(async () => {
  scratch = await temporaryDirectory();
  store = join(scratch.path, 'store');
  await writeFile(join(scratch.path, 'schema'), schema);
});
afterEach(() => scratch.remove());

let inputCount = 0;

/** Builds the next version out of these lines. */
async function build(lines: readonly (object | string)[], ...options: readonly string[]) {
  const input = join(scratch.path, `records-${inputCount++}.ndjson`);
  await writeFile(
    input,
    lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''),
  );
  const files = ['--schema', join(scratch.path, 'schema'), '--in', input, '--store', store];
  return runHollowCaptured('build', ...files, ...options);
}

/** The cities of a snapshot: what `hollow dump` says of that type. */
async function cities(version: number): Promise<readonly unknown[]> {
  const { output } = await runHollowCaptured('dump', join(store, `snapshot-${version}`));
  const lines = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const from = lines.findIndex((line) => line.name === 'City');
  const records = lines.slice(from + 1, from + 1 + lines[from].count);
  return records.map((record) => [record[1], record[3]]).toSorted(([a], [b]) => a - b);
}

describe('hollow build', () => {
  it('starts a chain, and goes on with whole states', async () => {
    const first = await build([city(1, 'Utrecht', 361_924, 'nl'), city(2, 'Gent', 265_086, 'be')]);
    expect(first).toMatchObject({ exitCode: 0, error: '' });
    expect(
      (await build([city(1, 'Utrecht', 374_238, 'nl'), city(3, 'Brugge', 119_445, 'be')])).exitCode,
    ).toBe(0);
    expect(await cities(1)).toEqual([
      ['1', '361924'],
      ['2', '265086'],
    ]);
    expect(await cities(2)).toEqual([
      ['1', '374238'],
      ['3', '119445'],
    ]);
    expect((await readdir(store)).toSorted()).toEqual([
      'announced.version',
      'delta-1-2',
      'reversedelta-2-1',
      'snapshot-1',
      'snapshot-2',
    ]);
    expect((await runHollowCaptured('verify', store)).exitCode).toBe(0);
  });

  it('takes changes: replaced, deleted, added, the rest stays', async () => {
    await build([city(1, 'Utrecht', 1), city(2, 'Gent', 2), city(3, 'Brugge', 3)]);
    const changes = [city(1, 'Utrecht', 10), { type: 'City', delete: { id: 2 } }, city(4, 'Leuven', 4)];
    expect(JSON.parse((await build(changes, '--incremental', '--json')).output)).toEqual({
      version: '2',
      isNew: true,
      added: 3,
      removed: 3,
    });
    expect(await cities(2)).toEqual([
      ['1', '10'],
      ['3', '3'],
      ['4', '4'],
    ]);
  });

  it('takes mutations in the form of messages, and sets single fields', async () => {
    await build([city(1, 'Utrecht', 1, 'nl'), city(2, 'Gent', 2)]);
    const mutations = [
      { op: 'patch', type: 'City', key: { id: 1 }, fields: { population: 10 } },
      { op: 'patch', type: 'City', key: { id: 9 }, fields: { population: 90 } },
      { op: 'delete', type: 'City', key: { id: 2 } },
      { op: 'upsert', ...city(3, 'Brugge', 3) },
    ];
    expect(await build(mutations, '--incremental')).toMatchObject({ exitCode: 0, error: '' });
    expect(await cities(2)).toEqual([
      ['1', '10'],
      ['3', '3'],
    ]);
    const { output } = await runHollowCaptured('diff', join(store, 'snapshot-1'), join(store, 'snapshot-2'));
    expect(output).toContain('  ~ [1] population: 1 -> 10\n');
  });

  it('leaves alone what a patch does not name, a box of null too', async () => {
    await build([{ type: 'City', value: { id: 1, name: { value: null }, population: 1 } }]);
    await build([{ op: 'patch', type: 'City', key: { id: 1 }, fields: { population: 2 } }], '--incremental');
    const { output } = await runHollowCaptured('diff', join(store, 'snapshot-1'), join(store, 'snapshot-2'));
    expect(output).toBe('City: 0 removed, 0 added, 1 changed\n  ~ [1] population: 1 -> 2\n');
  });

  it('takes lines as programs write them: byte order mark, CR LF, other separators within strings', async () => {
    const record = { type: 'String', value: { value: 'one\u2028two\u2029three' } };
    const text = `\ufeff${JSON.stringify(city(1, 'Utrecht', 1))}\r\n\r\n  \r\n${JSON.stringify(record)}`;
    expect(await build([text])).toMatchObject({ exitCode: 0, error: '' });
    const { output } = await runHollowCaptured('dump', join(store, 'snapshot-1'));
    expect(output).toContain('one\u2028two\u2029three');
    expect(await cities(1)).toEqual([['1', '1']]);
  });

  it('finds lines that are longer than what is read at once, and counts them', async () => {
    const long = 'x'.repeat(200_000);
    const lines = [city(1, long, 1), city(2, `${long}y`, 2)];
    expect(await build(lines)).toMatchObject({ exitCode: 0, error: '' });
    expect((await build([...lines, 'no JSON'])).error).toContain('line 3');
  });

  it('does not take bytes that are no text for text', async () => {
    const input = join(scratch.path, 'latin1');
    const lines = [city(1, 'fine', 1), city(2, 'M\u00fcnchen', 2)].map((line) => JSON.stringify(line));
    await writeFile(input, lines.join('\n'), 'latin1');
    const { exitCode, error } = await runHollowCaptured(
      ...['build', '--schema', join(scratch.path, 'schema'), '--in', input, '--store', store],
    );
    expect({ exitCode, error }).toEqual({
      exitCode: 3,
      error: `hollow: rejected: '${input}', line 2: not UTF-8\n`,
    });
  });

  it('loses nothing when several build at once: who is not first is told', async () => {
    await build([city(1, 'Utrecht', 1)]);
    const ids = [2, 3, 4, 5];
    const runs = await Promise.all(ids.map((id) => build([city(id, `${id}`, id)], '--incremental')));
    const taken = ids.filter((_, i) => runs[i]?.exitCode === 0);
    const told = runs.filter(({ exitCode, error }) => exitCode === 8 && error.includes('another build'));
    expect(taken.length).toBeGreaterThan(0);
    expect(taken.length + told.length).toBe(ids.length);
    const last = await cities(taken.length + 1);
    expect(last).toEqual([1, ...taken].map((id) => [`${id}`, `${id}`]));
    expect((await runHollowCaptured('verify', store)).exitCode).toBe(0);
    expect(await readdir(store)).not.toContain('.build-lock');
  });

  it('waits for nobody who writes', async () => {
    const { exitCode, error } = await withStoreLock(store, () => build([city(1, 'Utrecht', 1)]));
    expect(exitCode).toBe(8);
    expect(error).toContain('another build writes to');
    expect((await build([city(1, 'Utrecht', 1)])).exitCode).toBe(0);
  });

  it('can be repeated after it was killed, whatever is built then', async () => {
    await build([city(1, 'Utrecht', 1)]);
    await build([city(2, 'Gent', 2)], '--incremental');
    // As if killed after the blobs and before the announcement.
    await writeFile(join(store, 'announced.version'), '1');
    await writeFile(join(store, '.build-lock'), '');
    for (const name of ['snapshot-2', 'announced.version'])
      await writeFile(join(store, `.${name}.${randomUUID()}`), 'cut off');
    await writeFile(join(scratch.path, 'schema'), schema.replace('int id;', 'int id; double lat;'));
    expect(await build([city(3, 'Brugge', 3)], '--incremental')).toMatchObject({ exitCode: 0, error: '' });
    const left = ['delta-1-2', 'reversedelta-2-1', 'snapshot-2'];
    expect((await readdir(store)).toSorted()).toEqual(
      ['announced.version', 'snapshot-1', 'snapshot-3', ...left].toSorted(),
    );
    expect(await cities(3)).toHaveLength(2);
    expect((await runHollowCaptured('verify', store)).exitCode).toBe(0);
  });

  it('goes on from an older version that is announced, and leaves the newer ones as they are', async () => {
    for (const population of [1, 2, 3]) await build([city(1, 'Utrecht', population)]);
    const seen = await readFile(join(store, 'delta-1-2'));
    await writeFile(join(store, 'announced.version'), '1');
    expect((await build([city(1, 'Utrecht', 9)])).output).toContain('version 4');
    expect(await readFile(join(store, 'delta-1-2'))).toEqual(seen);
    expect(await readdir(store)).toContain('delta-1-4');
    expect(await cities(4)).toEqual([['1', '9']]);
    expect((await runHollowCaptured('verify', store)).exitCode).toBe(0);
    await rm(join(store, 'announced.version'));
    const { exitCode, error } = await build([city(1, 'Utrecht', 10)]);
    expect(exitCode).toBe(2);
    expect(error).toContain('has blobs of version 4, and announces none');
  });

  it('is seen by who still reads the version that was taken back', async () => {
    for (const population of [1, 2]) await build([city(1, 'Utrecht', population)]);
    const reader = new HollowDirectoryReader({ path: store });
    await reader.refresh();
    await writeFile(join(store, 'announced.version'), '1');
    await build([city(1, 'Utrecht', 3)]);
    await reader.refresh();
    expect(reader.state.version).toBe(3n);
    expect(reader.state.type('City').get(1).toObject()).toMatchObject({ population: 3 });
  });

  it('names the file of types that cannot be read', async () => {
    const types = join(scratch.path, 'schema');
    await writeFile(types, 'City {\n int }');
    const { exitCode, error } = await build([city(1, 'Utrecht', 1)]);
    expect(exitCode).toBe(2);
    expect(error).toContain(`'${types}': schema text, line 2`);
  });

  it('does not go on where blobs have parts that it would leave out', async () => {
    await build([city(1, 'Utrecht', 1)]);
    await copyFile(join(store, 'snapshot-1'), join(store, 'snapshot_extras-1'));
    const { exitCode, error } = await build([city(2, 'Gent', 2)], '--incremental');
    expect(exitCode).toBe(5);
    expect(error).toContain("optional part 'extras'");
  });

  it('makes no version when nothing changes', async () => {
    await build([city(1, 'Utrecht', 1)]);
    expect((await build([city(1, 'Utrecht', 1)])).output).toContain('nothing changed');
    expect((await build([], '--incremental')).output).toContain('nothing changed');
    expect(await readdir(store)).toEqual(['announced.version', 'snapshot-1']);
  });

  it('continues with a changed schema, by a snapshot', async () => {
    await build([city(1, 'Utrecht', 1)]);
    await writeFile(join(scratch.path, 'schema'), schema.replace('int id;', 'int id; double lat;'));
    const changed = { type: 'City', value: { id: 2, name: 'Gent', lat: 51.05 } };
    expect((await build([changed], '--incremental')).exitCode).toBe(0);
    expect(await readdir(store)).not.toContain('delta-1-2');
    const { output } = await runHollowCaptured('diff', join(store, 'snapshot-1'), join(store, 'snapshot-2'));
    expect(output).toContain('double lat;');
    expect(output).toContain('+ [2]');
  });

  it('takes what only a field that is gone led to away with it', async () => {
    const loose = { type: 'String', value: { value: 'loose' } };
    await build([city(1, 'Utrecht', 1, 'old', 'Gent'), city(2, 'Gent', 2, 'old'), loose]);
    await writeFile(join(scratch.path, 'schema'), schema.replace(' SetOfString tags;', ''));
    expect((await build([], '--incremental')).exitCode).toBe(0);
    const { output } = await runHollowCaptured('dump', join(store, 'snapshot-2'));
    expect(output).not.toContain('"old"');
    for (const kept of ['Utrecht', 'Gent', 'loose']) expect(output).toContain(`"${kept}"`);
    expect(output).toMatch(/"name":"SetOfString",.*"count":0,/);
  });

  it('has no difference in records whose only new fields are null', async () => {
    await build([city(1, 'Utrecht', 1), city(2, 'Gent', 2)]);
    await writeFile(join(scratch.path, 'schema'), schema.replace('int id;', 'int id; double lat;'));
    await build([{ op: 'patch', type: 'City', key: { id: 2 }, fields: { lat: 51.05 } }], '--incremental');
    const [before, after] = [1, 2].map((version) => join(store, `snapshot-${version}`));
    const { output } = await runHollowCaptured('diff', before ?? '', after ?? '');
    expect(output).toContain('City: 0 removed, 0 added, 1 changed');
    expect(output).toContain('  ~ [2] lat: null -> 51.05\n');
    expect(output).not.toContain('~ [1]');
  });

  it.each([
    [
      'City: value.population: expected LONG (decimal), got string "many"',
      { type: 'City', value: { id: 1, population: 'many' } },
    ],
    ['there is no type "Town"', { type: 'Town', value: {} }],
    ['not JSON', '{"type":'],
    ['only with --incremental', { type: 'City', delete: { id: 1 } }],
    ['was in a line before', city(7, 'twice', 2)],
    [
      '"delete" is not expected beside op and type and value',
      { op: 'upsert', ...city(1, 'x', 1), delete: {} },
    ],
    ['"value" is not expected beside type and delete', { ...city(1, 'x', 1), delete: { id: 1 } }],
    ['"order" is not expected', { ...city(1, 'x', 1), order: {} }],
    ['expected upsert, patch or delete, got "increment"', { op: 'increment', type: 'City' }],
    ['only with --incremental', { op: 'patch', type: 'City', key: { id: 7 }, fields: { population: 1 } }],
  ])('names the line and what is wrong with it: %s', async (reason, line) => {
    const { exitCode, error } = await build([city(7, 'fine', 1), line]);
    expect(exitCode).toBe(3);
    expect(error).toContain('line 2');
    expect(error).toContain(reason);
    await expect(readdir(store)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('says on a terminal how far it is, and wipes it out again', async () => {
    await build(Array.from({ length: 20_001 }, (_, id) => city(id, 'x', 1)));
    const input = join(scratch.path, `records-${inputCount - 1}.ndjson`);
    const files = ['--schema', join(scratch.path, 'schema'), '--in', input, '--store', store];
    const wiped = '\r\x1b[K';
    expect((await runHollowWatched('build', ...files)).error).toBe(`\r20,000 records${wiped}`);
    const dump = await runHollowWatched('dump', join(store, 'snapshot-1'));
    expect(dump.error).toBe(`\r20,000 lines${wiped}`);
    expect(dump.output).not.toContain('\r');
    expect((await runHollowWatched('verify', store)).error).toBe(`\r1 versions${wiped}`);
    const snapshot = join(store, 'snapshot-1');
    // Those of both.
    expect((await runHollowWatched('diff', snapshot, snapshot)).error).toBe(
      `\r20,000 records\r40,000 records${wiped}`,
    );
    expect((await runHollowCaptured('verify', store)).error).toBe('');
  });

  it('says when there are no records to read', async () => {
    const files = [
      '--schema',
      join(scratch.path, 'schema'),
      '--in',
      join(scratch.path, 'none'),
      '--store',
      store,
    ];
    expect((await runHollowCaptured('build', ...files)).exitCode).toBe(9);
  });
});

describe('hollow verify', () => {
  beforeEach(async () => {
    for (const population of [1, 2, 3]) await build([city(1, 'Utrecht', population)]);
  });

  it('lists what it checked', async () => {
    const { exitCode, output } = await runHollowCaptured('verify', store);
    expect(exitCode).toBe(0);
    const dump = (await runHollowCaptured('dump', join(store, 'snapshot-3'))).output;
    const { checksum } = JSON.parse(dump.slice(0, dump.indexOf('\n')));
    expect(output.replaceAll(/ +/g, ' ').trim().split('\n')).toEqual([
      'version checksum checked problems',
      expect.stringMatching(/^1 -?\d+ snapshot none$/),
      expect.stringMatching(/^2 -?\d+ snapshot, delta, reverse delta none$/),
      `3 (announced) ${checksum} snapshot, delta, reverse delta none`,
    ]);
  });

  it.each(['snapshot-3', 'delta-1-2', 'reversedelta-3-2'])('finds damage in %s', async (name) => {
    await truncate(join(store, name), 60);
    const { exitCode, output } = await runHollowCaptured('verify', store, '--json');
    expect(exitCode).toBe(6);
    expect(output).toContain('cannot be read');
  });

  it('finds blobs of another chain', async () => {
    await build([city(1, 'Utrecht', 4)]);
    const other = join(scratch.path, 'other');
    const mine = store;
    store = other;
    for (const population of [1, 2, 3, 5]) await build([city(1, 'Utrecht', population)]);
    store = mine;
    await copyFile(join(other, 'snapshot-4'), join(store, 'snapshot-4'));
    expect((await runHollowCaptured('verify', store)).error).toContain('leads to another state');
  });

  it('reads headers, and the deltas of a cycle that failed and was done again as another version', async () => {
    const states = await Promise.all(
      [1, 2].map(async (version) => decodeSnapshot(await readFile(join(store, `snapshot-${version}`)))),
    );
    for (const [i, state] of states.entries()) {
      await writeFile(join(store, `header-${i + 1}`), encodeHeaderBlob(state));
      await copyFile(join(store, `snapshot-${i + 1}`), join(store, `snapshot-${i + 7}`));
    }
    await copyFile(join(store, 'delta-1-2'), join(store, 'delta-1-8'));
    const checked = async () => (await runHollowCaptured('verify', store)).output.replaceAll(/ +/g, ' ');
    expect(await checked()).toMatch(/\n2 -?\d+ snapshot, delta, reverse delta, header none\n/);
    expect(await checked()).toMatch(/\n8 -?\d+ snapshot, delta none\n/);
    await copyFile(join(store, 'header-1'), join(store, 'header-2'));
    expect(await checked()).toContain('header the header is that of another state');
    await truncate(join(store, 'delta-1-8'), 90);
    expect(await checked()).toMatch(/\n8 -?\d+ snapshot the delta cannot be read/);
  });

  it('reads the parts that are there', async () => {
    await rm(store, { recursive: true });
    await mkdir(store);
    const fixtures = join(import.meta.dirname, '..', '..', 'golden', 'fixtures', 'optional-parts');
    for (const name of ['snapshot-1', 'snapshot-2', 'delta-1-2', 'reversedelta-2-1']) {
      await copyFile(join(fixtures, name), join(store, name));
      await copyFile(join(fixtures, `${name}.part-extras`), join(store, name.replace('-', '_extras-')));
    }
    expect(await runHollowCaptured('verify', store)).toMatchObject({ exitCode: 0, error: '' });
    expect((await runHollowCaptured('verify', store, '--part', 'more')).exitCode).toBe(6);
    await truncate(join(store, 'delta_extras-1-2'), 90);
    expect((await runHollowCaptured('verify', store)).error).toContain('the delta cannot be read');
  });

  it('finds an announced version that is not there, and an empty store', async () => {
    await appendFile(join(store, 'announced.version'), '9');
    expect((await runHollowCaptured('verify', store)).error).toContain('version 39 is announced');
    await rm(store, { recursive: true });
    expect((await runHollowCaptured('verify', store)).exitCode).toBe(2);
  });
});

describe('hollow diff', () => {
  const diff = (...options: readonly string[]) =>
    runHollowCaptured('diff', join(store, 'snapshot-1'), join(store, 'snapshot-2'), ...options);

  it('shows what came, went and changed, field by field', async () => {
    await build([city(1, 'Utrecht', 1, 'nl', 'old'), city(2, 'Gent', 2, 'be')]);
    await build([city(1, 'Utrecht', 5, 'old', 'nl', 'new'), city(3, 'Brugge', 3, 'be')]);
    const { exitCode, output } = await diff();
    expect(exitCode).toBe(1);
    expect(output.split('\n').slice(0, 4)).toEqual([
      'City: 1 removed, 1 added, 1 changed',
      '  - [2]',
      '  + [3]',
      '  ~ [1] population: 1 -> 5; tags: [{"value":"nl"},{"value":"old"}] -> [{"value":"new"},{"value":"nl"},{"value":"old"}]',
    ]);
    const types = (await diff('--json')).output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).type);
    expect(types).toEqual(['City', 'SetOfString', 'String']);
    expect((await diff('--limit', '0')).output).toContain('… and 1 more');
    expect(await diff('--limit', 'all')).toMatchObject({ exitCode: 2, output: '' });
  });

  it('does not mind ordinals: the same records in another order are the same', async () => {
    await build([city(1, 'Utrecht', 1, 'a', 'b'), city(2, 'Gent', 2, 'c')]);
    const mine = store;
    store = join(scratch.path, 'other');
    await build([city(2, 'Gent', 2, 'c'), city(1, 'Utrecht', 1, 'b', 'a')]);
    const other = store;
    store = mine;
    const run = await runHollowCaptured('diff', join(store, 'snapshot-1'), join(other, 'snapshot-1'));
    expect(run).toEqual({ exitCode: 0, output: '', error: '' });
  });
});
