/** A small dataset with every kind of type, for tests with worker threads: both sides import it. */
import type { DatasetState } from '../../lib/consumer/dataset-state.ts';
import { defineDataset, type } from '../../lib/schema/builder.ts';
import { t } from '../../lib/schema/field-specs.ts';

export const shelf = defineDataset({
  Book: type(
    {
      id: t.int(),
      title: t.string({ inline: true }),
      genre: t.string(),
      pages: t.list(t.int()),
      tags: t.set(t.string()),
      stock: t.map(t.string(), t.int()),
    },
    { primaryKey: ['id'] },
  ),
});

export const bookOf = (id: number, revision = 0) => ({
  id,
  title: id % 3 === 0 ? `größe ${id}` : `a title that is longer than twelve bytes ${id}.${revision}`,
  genre: `genre ${id % 7}`,
  pages: [id, revision],
  tags: [`tag ${id % 5}`, 'all'],
  stock: [[`place ${id % 3}`, id + revision] as const],
});

/** What look-ups by key and a scan see; the same in every thread that holds the same state. */
export function readShelf(state: DatasetState<typeof shelf>, idMax: number): string[] {
  const books = state.type('Book');
  const found: string[] = [];
  for (let id = 0; id < idMax; id++) {
    const book = books.find(id);
    found.push(
      `${book?.title} ${book?.genre} ${book?.pages?.join()} ${book?.tags?.has('all')} ${book?.stock?.get(`place ${id % 3}`)}`,
    );
  }
  let count = 0;
  for (const book of books) if (book.tags?.has('all')) count++;
  return [...found, `${count} books at version ${state.version.version}`];
}
