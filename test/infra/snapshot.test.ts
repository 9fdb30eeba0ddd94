/** What `cdk diff` would show, in review: the template of production as text, and where other stages differ from it. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { stages } from '../../infra/stages.ts';
import { templateOf } from './template.ts';

const texts = new Map<string, string>();
beforeAll(() => {
  for (const stage of stages) {
    texts.set(stage.name, masked(JSON.stringify(templateOf(stage).toJSON(), null, 1)));
  }
});

/** Without what changes with every change of the code: hashes of assets, and ids of versions of functions. */
function masked(text: string): string {
  return text
    .replaceAll(/\b[0-9a-f]{64}\b/g, '<asset>')
    .replaceAll(/(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}/g, '$1<version>');
}

interface Resources {
  readonly [id: string]: { readonly Type: string };
}

const resourcesOf = (stage: string): Resources =>
  (JSON.parse(texts.get(stage) ?? '') as { Resources: Resources }).Resources;

/** Paths of the values that differ, without numbers of elements. */
function differences(one: unknown, other: unknown, path: string): readonly string[] {
  if (JSON.stringify(one) === JSON.stringify(other)) return [];
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return [path];
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  const at = (value: object, key: string): unknown => Object.getOwnPropertyDescriptor(value, key)?.value;
  return [...keys].flatMap((key) =>
    differences(at(one, key), at(other, key), /^\d+$/.test(key) ? path : `${path}.${key}`),
  );
}

describe('the template', () => {
  it('of production is the one that was reviewed: `npx vitest run --project infra snapshot -u` takes a new one', async () => {
    await expect(texts.get('prod')).toMatchFileSnapshot(
      join(import.meta.dirname, 'snapshots/prod.template.snap'),
    );
  });

  it('is the same whatever the code of functions is, so that a snapshot changes with infra only', () => {
    for (const text of texts.values()) expect(text).not.toMatch(/[0-9a-f]{32}/);
  });

  it.each([
    ['dev', 'staging'],
    ['staging', 'prod'],
  ])('of %s differs from that of %s in this', (one, other) => {
    const [before, after] = [resourcesOf(one), resourcesOf(other)];
    const only = (here: Resources, there: Resources, sign: string) =>
      Object.entries(here).flatMap(([id, { Type }]) => (id in there ? [] : `${sign} ${Type}`));
    const changed = Object.keys(before).flatMap((id) =>
      id in after ? differences(before[id], after[id], `~ ${before[id]?.Type}`) : [],
    );
    const all = new Set([...only(before, after, '-'), ...only(after, before, '+'), ...changed]);
    expect([...all].toSorted()).toMatchSnapshot();
  });
});
