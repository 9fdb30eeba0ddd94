/** docs/operations.md is the one place that says what each metric is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { metrics } from '../../../lib/metric-names.ts';
import { root } from '../../support/source-tree.ts';

it('every metric has one row, and no row is of a metric that is not emitted', () => {
  const page = readFileSync(join(root, 'docs/operations.md'), 'utf8');
  const [section = ''] = /^## Metrics\n.*?(?=^## )/ms.exec(page) ?? [];
  const rows = Array.from(section.matchAll(/^\| (`.*?) \|/gm), ([, cell = '']) => cell);
  const named = rows.flatMap((cell) => Array.from(cell.matchAll(/`(\w+)`/g), ([, name = '']) => name));
  expect(named.toSorted()).toEqual(Object.keys(metrics).toSorted());
});
