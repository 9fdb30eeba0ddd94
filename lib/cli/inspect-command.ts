import type { Command } from 'commander';
import { tagText } from '../blob/tag-text.ts';
import { type BlobInspection, inspectBlob } from '../tools/inspect-blob.ts';
import { loadFile, naming } from './blob-files.ts';
import type { Session } from './session.ts';
import { printLines, tableLines } from './terminal.ts';

const help = `
A column is a field, or what lists, sets and maps are made of: pointer (where a record ends), size, element, key, value. Of
each it says the bits of a value, and the bytes of all values: with their text for strings and byte arrays.
The records are not decoded: it takes as long as reading the file.

Example:
  hollow inspect snapshot-1
  hollow inspect snapshot-1 --json | jq -c '.types[] | [.name, .size]'`;

export function addInspectCommand(program: Command, { terminal }: Session): void {
  program
    .command('inspect')
    .description('Show what a blob is made of: tags, types, records, sizes by type and field.')
    .argument('<blob>', 'a snapshot, a delta, a reverse delta, a header, or an optional part of one')
    .option('--schemas', "the types' schemas too")
    .option('--json', 'print JSON')
    .addHelpText('after', help)
    .action(async (path: string, options: { schemas?: true; json?: true }) => {
      const bytes = await loadFile(path);
      const inspection = naming(path, () => inspectBlob(bytes));
      if (options.json) await printLines(terminal, [JSON.stringify(toJson(inspection))]);
      else await printLines(terminal, toText(inspection, options.schemas ?? false));
    });
}

function toJson({ kind, part, size, header, sections }: BlobInspection): object {
  const { originTag, tag, headerTags } = header;
  return {
    kind,
    part,
    size,
    originTag: tagText(originTag),
    tag: tagText(tag),
    headerTags: Object.fromEntries(headerTags),
    types: sections,
  };
}

function toText(inspection: BlobInspection, withSchemas: boolean): readonly string[] {
  const { kind, part, size, header, sections } = inspection;
  const rows = sections.map((section) => [
    section.name,
    section.recordCount,
    ...(kind === 'delta' ? [section.removedCount] : []),
    section.maxOrdinal,
    section.shardCount,
    section.size,
    section.columns.map(({ name, width, size }) => `${name}:${width}:${size}`).join(' '),
  ]);
  const counts = kind === 'delta' ? ['added', 'removed'] : ['records'];
  return [
    `${part === null ? kind : `part '${part}' of a ${kind}`}, ${size} bytes, ${tagText(header.originTag)} -> ${tagText(header.tag)}`,
    ...[...header.headerTags].map(([name, value]) => `  ${name} = ${JSON.stringify(value)}`),
    ...(sections.length === 0
      ? []
      : tableLines(['type', ...counts, 'max ordinal', 'shards', 'bytes', 'columns (name:bits:bytes)'], rows)),
    ...(withSchemas ? ['', ...sections.map((section) => section.schema)] : []),
  ];
}
