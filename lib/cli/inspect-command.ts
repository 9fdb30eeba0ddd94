import type { Command } from 'commander';
import { type BlobInspection, inspectBlob } from '../tools/inspect-blob.ts';
import { load } from './blob-files.ts';
import type { Session } from './session.ts';
import { printLines, tableLines } from './terminal.ts';

export function addInspectCommand(program: Command, { terminal }: Session): void {
  program
    .command('inspect')
    .description('Show what a blob is made of: tags, types, records, sizes and column widths.')
    .argument('<blob>', 'a snapshot, a delta, a reverse delta or a header')
    .option('--schemas', "the types' schemas too")
    .option('--json', 'print JSON')
    .addHelpText('after', '\nThe records are not decoded: it takes as long as reading the file.')
    .action(async (path: string, options: { schemas?: true; json?: true }) => {
      const inspection = inspectBlob(await load(path));
      if (options.json) await printLines(terminal, [JSON.stringify(toJson(inspection))]);
      else await printLines(terminal, toText(inspection, options.schemas ?? false));
    });
}

const tagText = (tag: bigint): string => BigInt.asUintN(64, tag).toString(16).padStart(16, '0');

function toJson({ kind, size, header, sections }: BlobInspection): object {
  const { originTag, tag, headerTags } = header;
  return {
    kind,
    size,
    originTag: tagText(originTag),
    tag: tagText(tag),
    headerTags: Object.fromEntries(headerTags),
    types: sections,
  };
}

function toText({ kind, size, header, sections }: BlobInspection, withSchemas: boolean): readonly string[] {
  const rows = sections.map((section) => [
    section.name,
    section.recordCount,
    ...(kind === 'delta' ? [section.removedCount] : []),
    section.maxOrdinal,
    section.shardCount,
    section.size,
    section.columns.map(({ name, width }) => `${name}:${width}`).join(' '),
  ]);
  const counts = kind === 'delta' ? ['added', 'removed'] : ['records'];
  return [
    `${kind}, ${size} bytes, ${tagText(header.originTag)} -> ${tagText(header.tag)}`,
    ...[...header.headerTags].map(([name, value]) => `  ${name} = ${JSON.stringify(value)}`),
    ...(sections.length === 0
      ? []
      : tableLines(['type', ...counts, 'max ordinal', 'shards', 'bytes', 'bits per column'], rows)),
    ...(withSchemas ? ['', ...sections.map((section) => section.schema)] : []),
  ];
}
