import { type Fault, faultKinds } from './faults.ts';

/** Every kind of call that a process makes. */
export const sites = [
  'head.load',
  'head.commit',
  'head.advance',
  'head.snapshot',
  'head.floor',
  'head.pin',
  'head.unpin',
  'head.serve',
  'head.replace',
  'blob.put',
  'blob.get',
  'inline.put',
  'inline.get',
  'inbox.put',
  'inbox.get',
  'shelf.list',
  'shelf.delete',
  'floor.load',
  'floor.raise',
  'announce',
  'stream',
  'send',
  'quarantine',
  'late',
  'receive',
  'acknowledge',
] as const;

export type Site = (typeof sites)[number];

/** How often each fault struck at each call, over any number of runs. */
export class Coverage {
  readonly #counts = new Map<string, number>();

  hit(site: Site, fault: Fault): void {
    const cell = `${site} ${fault}`;
    this.#counts.set(cell, (this.#counts.get(cell) ?? 0) + 1);
  }

  /** By site and fault. */
  get cells(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  add(cells: ReadonlyMap<string, number>): void {
    for (const [cell, count] of cells) this.#counts.set(cell, (this.#counts.get(cell) ?? 0) + count);
  }

  /** Cells that could happen and did not. */
  missing(): readonly string[] {
    return sites.flatMap((site) =>
      faultKinds
        .filter((fault) => canHappen(site, fault) && !this.#counts.has(`${site} ${fault}`))
        .map((fault) => `${site} ${fault}`),
    );
  }

  /** A table in Markdown: a row per call, a column per fault; `·` where it cannot happen. */
  table(): string {
    const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
    const head = row(['call', ...faultKinds]) + row(['---', ...faultKinds.map(() => '---:')]);
    const body = sites.map((site) =>
      row([
        site,
        ...faultKinds.map((fault) =>
          canHappen(site, fault) ? String(this.#counts.get(`${site} ${fault}`) ?? 0) : '·',
        ),
      ]),
    );
    return head + body.join('');
  }
}

/** Faults that belong to one kind of call, and why no other has them. */
const onlyAt: Partial<Record<Fault, readonly Site[]>> = {
  // Only bytes that are read can be damaged.
  corrupt: ['blob.get', 'inline.get', 'inbox.get'],
  truncate: ['blob.get', 'inline.get', 'inbox.get'],
  // Only heads are read with a choice of consistency.
  stale: ['head.load'],
  // Deliveries and sends are the queue's.
  deliverTwice: ['receive'],
  kill: ['receive'],
  sendTwice: [],
  // Hints are the bus's.
  hintLost: ['announce'],
  hintTwice: ['announce'],
  hintLate: ['announce'],
};

function canHappen(site: Site, fault: Fault): boolean {
  return onlyAt[fault]?.includes(site) ?? true;
}
