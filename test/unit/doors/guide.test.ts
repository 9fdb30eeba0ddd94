/** The guide says nothing that was not tried: its TypeScript is in the examples, its messages do what it says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { shop } from '../../../examples/dataset.ts';
import { limits } from '../../../lib/limits.ts';
import { parseMessage } from '../../../lib/producer/mutations.ts';
import { DatasetSchema, schemaIdOf } from '../../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../../lib/schema/dsl.ts';
import { root, sourceFiles } from '../../support/source-tree.ts';

const guide = readFileSync(join(root, 'docs/guide.md'), 'utf8');
const blocksOf = (language: string): readonly string[] =>
  Array.from(guide.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)\`\`\``, 'gms')), ([, text = '']) => text);
const nowMs = Date.UTC(2026, 10, 23);
const parse = (body: string) =>
  parseMessage(shop.schema, { id: 'm', body, sentAtMs: nowMs, receiveCount: 1, receipt: 'r' }, nowMs);

describe('the guide', () => {
  it.each(blocksOf('ts'))('has its TypeScript from an example: %j', (block) => {
    expect(sourceFiles('examples').filter(({ text }) => text.includes(block))).toHaveLength(1);
  });

  it('shows the schema that the builder makes', () => {
    const [text = ''] = blocksOf('hollow');
    expect(schemaIdOf(DatasetSchema.of(parseSchemas(text)))).toBe(schemaIdOf(shop.schema));
  });

  it.each(blocksOf('json'))('has messages that are taken in: %j', (body) => {
    const { mutations, rejected } = parse(body);
    expect(rejected).toEqual([]);
    expect(mutations.length).toBeGreaterThan(0);
  });

  const rows = Array.from(
    guide.matchAll(/^\| `(.+?)` \| (?:`(.+?)`)? ?\| `(.+?)` \|$/gm),
    ([, ...cells]) => cells,
  );
  const quarantined = rows.filter(([body = '']) => body === 'not JSON' || body.startsWith('{'));

  it('shows more than a few reasons', () => {
    expect(quarantined.length).toBeGreaterThan(8);
  });

  it.each(quarantined)('has the reason for %s', (body = '', field = '', reason = '') => {
    const { mutations, rejected } = parse(body);
    expect(mutations).toEqual([]);
    expect(rejected).toEqual([expect.objectContaining({ field, reason: expect.stringContaining(reason) })]);
  });

  it.each(['producer', 'consumer', 'service'])('lists the settings of the %s', (program) => {
    const settings = readFileSync(join(root, 'lib/settings.ts'), 'utf8');
    const namesIn = (text: string): readonly string[] =>
      text.match(/HOLLOW_[A-Z_]+|\b(?:HOST|PORT)\b/g) ?? [];
    const [reader = ''] = /^const reader = .*$/m.exec(settings) ?? [];
    const [own = ''] = new RegExp(`^  ${program}: z\\.object\\((?:[^)]*)\\)`, 'm').exec(settings) ?? [];
    const column = ['producer', 'consumer', 'service'].indexOf(program) + 2;
    const listed = guide.split('\n').flatMap((line) => {
      const cells = line.split('|').map((cell) => cell.trim());
      return ['yes', 'optional'].includes(cells[column] ?? '') ? namesIn(cells[1] ?? '') : [];
    });
    expect(own).toContain('reader');
    expect(listed.toSorted()).toEqual([...namesIn(reader), ...namesIn(own)].toSorted());
  });

  it('states the bounds that hold', () => {
    expect(limits).toMatchObject({
      messageSizeMax: 2 ** 20,
      mutationsPerMessageMax: 10_000,
      jsonDepthMax: 64,
      clockSkewMsMax: 300_000,
      stringSizeMax: 262_144,
    });
  });
});
