import type { Fault } from './faults.ts';

/** Every kind of call that a process makes. */
export const sites = [
  'head.load',
  'head.commit',
  'head.snapshot',
  'blob.put',
  'blob.get',
  'announce',
  'quarantine',
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

  count(site: Site, fault: Fault): number {
    return this.#counts.get(`${site} ${fault}`) ?? 0;
  }
}
