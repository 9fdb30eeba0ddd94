import { DatasetError } from '../../lib/errors.ts';
import type {
  CommitOutcome,
  CommitProposal,
  DatasetId,
  FloorRaise,
  Head,
  HeadStore,
} from '../../lib/ports.ts';
import type { Site } from './coverage.ts';
import type { Effort } from './effort.ts';
import type { HeadStream } from './head-stream.ts';
import type { Invariants } from './invariants.ts';
import type { Carrier } from './network.ts';
import { type Request, rescuer } from './ports.ts';
import type { SimProcess } from './process.ts';
import type { SharedStores } from './shared-stores.ts';
import { Violation, type World } from './world.ts';

/** What the loss of the table did: for how long nobody could write, and how many versions were lost with it. */
export interface Recovery {
  readonly outageMs: number;
  readonly lostVersions: number;
}

/** For mutants only: a table that asks for less, having the head in hand as it is at the moment of the write. */
export interface LaxTable {
  readonly commit?: (proposal: CommitProposal, head: Head) => CommitProposal;
  /** The era to ask for. */
  readonly registerSnapshot?: (era: number, head: Head) => number;
  readonly raiseFloor?: (raise: FloorRaise, head: Head) => FloorRaise;
}

export interface HeadsOptions {
  readonly id: DatasetId;
  readonly world: World;
  readonly network: Carrier;
  readonly shared: SharedStores;
  readonly invariants: Invariants;
  readonly effort: Effort;
  readonly stream: HeadStream;
  readonly lax: LaxTable;
}

/** The head of one chain in its table, all that it ever was, and the loss of the table. */
export class Heads {
  readonly #id: DatasetId;
  readonly #world: World;
  readonly #network: Carrier;
  readonly #shared: SharedStores;
  readonly #invariants: Invariants;
  readonly #effort: Effort;
  readonly #stream: HeadStream;
  readonly #lax: LaxTable;
  /** Index of the head that a restored table shows, while there is an outage; null: there is none. */
  #outage: { readonly points: readonly (Head | null)[]; readonly at: number } | null = null;
  #outageSinceMs = 0;
  readonly #recoveries: Recovery[] = [];
  readonly #history: (Head | null)[] = [null];

  constructor({ id, world, network, shared, invariants, effort, stream, lax }: HeadsOptions) {
    this.#id = id;
    this.#world = world;
    this.#network = network;
    this.#shared = shared;
    this.#invariants = invariants;
    this.#effort = effort;
    this.#stream = stream;
    this.#lax = lax;
  }

  /** As it is stored, without faults. */
  get head(): Head | null {
    return this.#history.at(-1) ?? null;
  }

  /** Of every outage that is over. */
  get recoveries(): readonly Recovery[] {
    return this.#recoveries;
  }

  get hasOutage(): boolean {
    return this.#outage !== null;
  }

  /** The table of heads is lost. What comes back is as it was `back` writes ago; null: nothing does. */
  async beginOutage(back: number | null): Promise<void> {
    const points = [...this.#history];
    this.#outageSinceMs = this.#world.nowMs;
    this.#stream.cut();
    this.#outage = { points, at: back === null ? 0 : Math.max(1, points.length - 1 - back) };
    await this.setBack(0);
  }

  /** The table is set to a point that is `later` writes later than the one before. */
  async setBack(later: number): Promise<void> {
    if (this.#outage === null) return;
    const { points } = this.#outage;
    const at = Math.min(points.length - 1, this.#outage.at + later);
    this.#outage = { points, at };
    const head = points[at] ?? null;
    this.#world.trace(() => `TABLE SET BACK to version ${head?.version ?? 0} of era ${head?.era ?? 0}`);
    this.#invariants.afterSetBack(head);
    await this.#shared.setBack(this.#id, head);
  }

  /** Writers and readers reach the table again. */
  endOutage(): void {
    if (this.#outage === null) return;
    const lost = this.#outage.points.at(-1) ?? null;
    const outageMs = this.#world.nowMs - this.#outageSinceMs;
    const lostVersions = Math.max(0, (lost?.version ?? 0) - (this.head?.version ?? 0));
    this.#recoveries.push({ outageMs, lostVersions });
    this.#invariants.afterOutage(lost);
    this.#outage = null;
    this.#world.trace(() => 'TABLE IS BACK');
  }

  /** As a process reaches it: during an outage only the rescuer does. */
  storeOf(process: SimProcess, reach: Request): HeadStore {
    const request: Request = process.name.startsWith(rescuer)
      ? reach
      : (site, detail, apply) => reach(site, detail, () => this.#unlessLost(apply));
    const write = (site: Site, detail: () => string, apply: () => Promise<CommitOutcome>) =>
      request(site, detail, async () => this.#afterHead(await apply()));
    return {
      load: (id, consistency) =>
        request(
          'head.load',
          () => consistency,
          async () =>
            consistency === 'eventual' && this.#network.strikes('head.load', 'stale')
              ? (this.#history.at(-this.#world.count(1, 3)) ?? null)
              : this.#tableOf(id).load(id, consistency),
        ),
      commit: (id, proposal) =>
        write(
          proposal.operation === 'schema' ? 'head.advance' : 'head.commit',
          () => `${proposal.version} ${proposal.cid.slice(0, 6)}`,
          async () => {
            const outcome = await this.#tableOf(id).commit(id, this.#loosened(this.#lax.commit, proposal));
            this.#effort.onCommit(outcome.kind === 'committed');
            return outcome;
          },
        ),
      registerSnapshot: (id, era, snapshot) =>
        write(
          'head.snapshot',
          () => String(snapshot.version),
          () =>
            this.#tableOf(id).registerSnapshot(id, this.#loosened(this.#lax.registerSnapshot, era), snapshot),
        ),
      raiseFloor: (id, raise) =>
        write(
          'head.floor',
          () => String(raise.floor),
          () => this.#tableOf(id).raiseFloor(id, this.#loosened(this.#lax.raiseFloor, raise)),
        ),
      putPin: (id, era, name, pin) =>
        write(
          'head.pin',
          () => `${name} ${pin.version}`,
          () => this.#tableOf(id).putPin(id, era, name, pin),
        ),
      removePin: (id, era, name) =>
        write(
          'head.unpin',
          () => name,
          () => this.#tableOf(id).removePin(id, era, name),
        ),
      setServe: (id, era, serve) =>
        write(
          'head.serve',
          () => `${serve.epoch} ${serve.pin ?? 'head'}`,
          () => this.#tableOf(id).setServe(id, era, serve),
        ),
      replace: (id, expected, head) =>
        write(
          'head.replace',
          () => `era ${head.era} version ${head.version}`,
          () => this.#tableOf(id).replace(id, expected, head),
        ),
    };
  }

  #loosened<T>(loosen: ((write: T, head: Head) => T) | undefined, write: T): T {
    const { head } = this;
    return loosen === undefined || head === null ? write : loosen(write, head);
  }

  async #unlessLost<T>(apply: () => Promise<T>): Promise<T> {
    if (this.#outage !== null) throw new DatasetError('unavailable', 'there is no table');
    return apply();
  }

  #tableOf(id: DatasetId): HeadStore {
    return this.#shared.tableOf(ownId(this.#id, id));
  }

  #afterHead(outcome: CommitOutcome): CommitOutcome {
    const { kind, head } = outcome;
    this.#world.trace(() => `  ${kind}, head ${head?.version ?? 0} ${head?.cid.slice(0, 6) ?? ''}`);
    if (outcome.kind === 'committed') {
      this.#world.mark(outcome.head.cid);
      this.#history.push(outcome.head);
      this.#stream.push(outcome.head);
      this.#invariants.afterHead(outcome.head);
    }
    return outcome;
  }

  /** For mutants only: a write of the head that asks for no condition. */
  async forceHead(head: Head): Promise<void> {
    // First, because the store would not even take a head that is broken.
    this.#afterHead({ kind: 'committed', head });
    await this.#shared.setBack(this.#id, head).catch((error: unknown) => {
      throw new Violation('S6', `the head is broken: ${String(error)}`);
    });
  }
}

/** S11: what a process of a chain asks for is of this chain. */
export function ownId(own: DatasetId, id: DatasetId): DatasetId {
  if (id.tenant === own.tenant && id.dataset === own.dataset && id.partition === own.partition) return id;
  throw new Violation('S11', `a request to ${JSON.stringify(own)} names ${JSON.stringify(id)}`);
}
