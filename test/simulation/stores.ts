import { DatasetError } from '../../lib/errors.ts';
import type {
  Announcement,
  AnnouncementWatcher,
  Announcer,
  BlobMetadata,
  BlobShelf,
  BlobStore,
  CommitOutcome,
  CommitProposal,
  DatasetId,
  FloorRaise,
  FloorRecord,
  Head,
  HeadStore,
  LateQueue,
  MutationMessage,
  MutationSink,
  MutationSource,
  Quarantine,
  StoredBlob,
} from '../../lib/ports.ts';
import type { ChainBounds } from '../../lib/producer/chain.ts';
import type { Site } from './coverage.ts';
import { Effort } from './effort.ts';
import { type ChangeSource, HeadStream } from './head-stream.ts';
import { Invariants } from './invariants.ts';
import type { Carrier } from './network.ts';
import { Oracle } from './oracle.ts';
import type { SimProcess } from './process.ts';
import { SimQueue } from './queue.ts';
import type { SharedStores } from './shared-stores.ts';
import type { Sent } from './traffic.ts';
import { readMessage } from './wire.ts';
import { Violation, type World } from './world.ts';

/** What one process reaches. */
export interface Ports {
  readonly heads: HeadStore;
  readonly blobs: BlobStore;
  /** Small deltas in the table, if there are any. */
  readonly inline?: BlobStore;
  /** Only for those who delete. */
  readonly shelf: BlobShelf;
  readonly inlineShelf: BlobShelf;
  readonly floors: FloorRecord;
  readonly announcer: Announcer;
  readonly watcher: AnnouncementWatcher;
  readonly quarantine: Quarantine;
  readonly lateQueue: LateQueue;
  readonly source: MutationSource;
  /** Only for applications with the sender library. */
  readonly sink: MutationSink;
  /** Only for the outbox. */
  readonly changes: ChangeSource;
}

/** What the loss of the table did: for how long nobody could write, and how many versions were lost with it. */
export interface Recovery {
  readonly outageMs: number;
  readonly lostVersions: number;
}

interface Listener {
  readonly process: SimProcess;
  readonly listen: (announcement: Announcement) => void;
}

/** For mutants only: a table that asks for less, having the head in hand as it is at the moment of the write. */
export interface LaxTable {
  readonly commit?: (proposal: CommitProposal, head: Head) => CommitProposal;
  /** The era to ask for. */
  readonly registerSnapshot?: (era: number, head: Head) => number;
  readonly raiseFloor?: (raise: FloorRaise, head: Head) => FloorRaise;
}

export interface CloudOptions {
  readonly id: DatasetId;
  readonly shared: SharedStores;
  readonly lax: LaxTable;
  readonly hasInline: boolean;
  readonly bounds: ChainBounds;
  /** Processes that may commit at the same time. */
  readonly committers: number;
}

/** With the other blobs, or in the heads' table. */
type Place = 'blob' | 'inline';

interface NewBlob {
  readonly bytes: Uint8Array;
  readonly metadata: BlobMetadata;
}

type Request = <T>(site: Site, detail: () => string, apply: () => Promise<T>) => Promise<T>;

/** What belongs to one chain in the stores of the simulation: the memory adapters, and behind each write the invariants. */
export class Cloud {
  readonly id: DatasetId;
  readonly oracle = new Oracle();
  readonly invariants: Invariants;
  readonly queue: SimQueue;
  readonly #stream: HeadStream;
  readonly #effort: Effort;
  readonly #world: World;
  readonly #network: Carrier;
  readonly #shared: SharedStores;
  readonly #lax: LaxTable;
  readonly #hasInline: boolean;
  /** Where its blobs are; no request of its processes names anything else. */
  readonly #folder: string;
  /** Index of the head that a restored table shows, while there is an outage; null: there is none. */
  #outage: { readonly points: readonly (Head | null)[]; readonly at: number } | null = null;
  #outageSinceMs = 0;
  readonly #recoveries: Recovery[] = [];
  readonly #history: (Head | null)[] = [null];
  readonly #listeners = new Set<Listener>();
  readonly #sentBodies = new Map<string, Sent>();
  readonly #archive: MutationMessage[] = [];

  constructor(
    world: World,
    network: Carrier,
    { id, shared, lax, hasInline, bounds, committers }: CloudOptions,
  ) {
    this.id = id;
    this.#world = world;
    this.#network = network;
    this.#shared = shared;
    this.#lax = lax;
    this.#hasInline = hasInline;
    this.#folder = chainFolder(id);
    this.#effort = new Effort(world, committers);
    this.invariants = new Invariants({ id, bounds }, this.oracle, {
      blob: (name) => shared.present.get(name) ?? shared.presentInline.get(name) ?? null,
    });
    this.#stream = new HeadStream(world, network);
    this.queue = new SimQueue(world, network, this.#effort, (message) =>
      this.invariants.onAcknowledge(message),
    );
  }

  /** As a sender sees it: accepted, whatever the answer. */
  send(sent: Sent): MutationMessage {
    const world = this.#world;
    // The sender of an unknown send sends again.
    if (world.chance(this.#network.faults.sendTwice)) this.#accept(sent);
    return this.#accept(sent);
  }

  /** Sent again it is the same. */
  #meant(body: string): Sent {
    const meant = this.#sentBodies.get(body) ?? readMessage(body);
    this.#sentBodies.set(body, meant);
    return meant;
  }

  #accept(sent: Sent): MutationMessage {
    const message = this.queue.accept(sent.body);
    this.#archive.push(message);
    this.oracle.accept(message, sent);
    this.#world.trace(() => `sent ${message.id} ${sent.body}`);
    return { ...message, receipt: this.queue.receiptOf(message.id) };
  }

  /** The head as it is stored, without faults. */
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
    await this.#shared.setBack(this.id, head);
  }

  /** Writers and readers reach the table again, and everything is sent again: what was lost with it comes back. */
  endOutage(): void {
    if (this.#outage === null) return;
    const lost = this.#outage.points.at(-1)?.version ?? 0;
    const outageMs = this.#world.nowMs - this.#outageSinceMs;
    this.#recoveries.push({ outageMs, lostVersions: Math.max(0, lost - (this.head?.version ?? 0)) });
    this.#outage = null;
    this.#world.trace(() => 'TABLE IS BACK');
    for (const message of this.#archive) this.queue.acceptAgain(message);
  }

  portsOf(process: SimProcess): Ports {
    const reach: Request = (site, detail, apply) =>
      this.#network.request({ from: process, site, detail, apply });
    const request: Request = (site, detail, apply) =>
      site.startsWith('head.') && !process.name.startsWith(rescuer)
        ? reach(site, detail, async () => {
            if (this.#outage !== null) throw new DatasetError('unavailable', 'there is no table');
            return apply();
          })
        : reach(site, detail, apply);
    return {
      heads: this.#headsOf(request),
      blobs: this.#blobsOf(request, 'blob'),
      ...(this.#hasInline ? { inline: this.#blobsOf(request, 'inline') } : {}),
      shelf: this.#shelfOf(request, 'blob'),
      inlineShelf: this.#shelfOf(request, 'inline'),
      floors: {
        load: (id) =>
          request(
            'floor.load',
            () => '',
            () => this.#shared.floors.load(this.#ownId(id)),
          ),
        raise: (id, mark) =>
          request(
            'floor.raise',
            () => `era ${mark.era} floor ${mark.floor}`,
            () => this.#shared.floors.raise(this.#ownId(id), mark),
          ),
      },
      announcer: {
        announce: (announcement) =>
          request(
            'announce',
            () => String(announcement.version),
            async () => this.#announce(announcement),
          ),
      },
      watcher: { watch: (listen, signal) => this.#watch({ process, listen }, signal) },
      quarantine: {
        send: (id, entries) =>
          request(
            'quarantine',
            () => String(entries.length),
            async () => {
              this.#ownId(id);
              this.invariants.onQuarantine(entries);
            },
          ),
      },
      lateQueue: {
        send: (id, entries) =>
          request(
            'late',
            () => String(entries.length),
            async () => {
              this.#ownId(id);
              this.invariants.onLate(entries);
            },
          ),
      },
      source: this.queue.sourceOf(process),
      sink: {
        send: (messages) =>
          request(
            'send',
            () => String(messages.length),
            async () => {
              for (const { body } of messages) this.#accept(this.#meant(body));
            },
          ),
      },
      changes: this.#stream.sourceOf(process),
    };
  }

  #blobsOf(request: Request, place: Place): BlobStore {
    return {
      put: (name, bytes, metadata) =>
        request(
          `${place}.put`,
          () => short(name),
          () => this.#put(place, this.#own(name), { bytes, metadata }),
        ),
      get: (name) =>
        request(
          `${place}.get`,
          () => short(name),
          async () => this.#get(place, this.#own(name)),
        ),
    };
  }

  #shelfOf(request: Request, place: Place): BlobShelf {
    const { store } = this.#at(place);
    return {
      list: (prefix, after) =>
        request(
          'shelf.list',
          () => prefix,
          () => store.list(this.#own(prefix), after),
        ),
      delete: (names) =>
        request(
          'shelf.delete',
          () => names.map(short).join(),
          async () => {
            for (const name of names) await this.deleteBlob(this.#own(name), place);
          },
        ),
    };
  }

  #at(place: Place) {
    const { blobs, present, inline, presentInline } = this.#shared;
    return place === 'blob' ? { store: blobs, present } : { store: inline, present: presentInline };
  }

  async deleteBlob(name: string, place: Place = 'blob'): Promise<void> {
    const { store, present } = this.#at(place);
    await store.delete([name]);
    present.delete(name);
    this.#world.trace(() => `deleted ${short(name)}`);
    this.invariants.afterDeletion(name);
  }

  /** Of this chain. */
  get blobNames(): readonly string[] {
    const { present, presentInline } = this.#shared;
    return [...present.keys(), ...presentInline.keys()].filter((name) => name.startsWith(this.#folder));
  }

  /** For mutants only: a blob whose name begins like this, the part or the main one. */
  findBlob(prefix: string, isPart: boolean): string | null {
    for (const name of this.#shared.present.keys()) {
      if (name.startsWith(prefix) && name.includes('.part-') === isPart) return name;
    }
    return null;
  }

  /** For mutants only: a write of the head that asks for no condition. */
  async forceHead(head: Head): Promise<void> {
    // First, because the store would not even take a head that is broken.
    this.#afterHead({ kind: 'committed', head });
    await this.#shared.setBack(this.id, head).catch((error: unknown) => {
      throw new Violation('S6', `the head is broken: ${String(error)}`);
    });
  }

  /** For mutants only. */
  overwriteBlob(name: string, blob: StoredBlob): void {
    this.#shared.present.set(name, blob);
    this.invariants.afterBlob(name, blob.bytes);
  }

  #headsOf(request: Request): HeadStore {
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
          'head.commit',
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

  #tableOf(id: DatasetId): HeadStore {
    return this.#shared.tableOf(this.#ownId(id));
  }

  /** S11: what a process of this chain asks for is of this chain. */
  #ownId(id: DatasetId): DatasetId {
    const { tenant, dataset, partition } = this.id;
    if (id.tenant === tenant && id.dataset === dataset && id.partition === partition) return id;
    throw new Violation('S11', `a request to ${this.#folder} names ${JSON.stringify(id)}`);
  }

  #own(name: string): string {
    if (name.startsWith(this.#folder)) return name;
    throw new Violation('S11', `a request to ${this.#folder} names ${name}`);
  }

  #afterHead(outcome: CommitOutcome): CommitOutcome {
    const { kind, head } = outcome;
    this.#world.trace(() => `  ${kind}, head ${head?.version ?? 0} ${head?.cid.slice(0, 6) ?? ''}`);
    if (outcome.kind === 'committed') {
      this.#world.mark(outcome.head.cid);
      this.#history.push(outcome.head);
      this.#stream.push(outcome.head);
      this.invariants.afterHead(outcome.head);
    }
    return outcome;
  }

  async #put(place: Place, name: string, { bytes, metadata }: NewBlob): ReturnType<BlobStore['put']> {
    const { store, present } = this.#at(place);
    const outcome = await store.put(name, bytes, metadata);
    if (outcome.kind === 'stored') {
      const stored = await store.get(name);
      if (stored !== null) present.set(name, stored);
      this.invariants.afterBlob(name, stored?.bytes ?? bytes);
    }
    return outcome;
  }

  /** Damage on the way is found by the adapters, by digest and by size: that is their contract. */
  #get(place: Place, name: string): StoredBlob | null {
    const blob = this.#at(place).present.get(name);
    if (blob === undefined) return null;
    if (this.#network.strikes(`${place}.get`, 'corrupt'))
      throw new DatasetError('corrupt', 'the digest does not match');
    if (this.#network.strikes(`${place}.get`, 'truncate'))
      throw new DatasetError('unavailable', 'the bytes end early');
    return { ...blob, bytes: blob.bytes.slice() };
  }

  #announce(announcement: Announcement): void {
    this.#ownId(announcement.id);
    this.invariants.onAnnounce(announcement);
    const world = this.#world;
    for (const { process, listen } of this.#listeners) {
      if (this.#network.strikes('announce', 'hintLost')) continue;
      const copies = this.#network.strikes('announce', 'hintTwice') ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) {
        const isLate = this.#network.strikes('announce', 'hintLate');
        process.deliver(isLate ? world.between(100, 3_000) : world.between(5, 100), () =>
          listen(announcement),
        );
      }
    }
  }

  #watch(listener: Listener, signal: AbortSignal): Promise<void> {
    this.#listeners.add(listener);
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        this.#listeners.delete(listener);
        resolve();
      });
    });
  }
}

function chainFolder({ tenant, dataset, partition }: DatasetId): string {
  return `${tenant === undefined ? 'd' : `t/${tenant}`}/${dataset}/1/${partition}/`;
}

/** As what reads or writes takes it. */
export function inlineOf({ inline }: Ports): { readonly inline?: BlobStore } {
  return inline === undefined ? {} : { inline };
}

/** Name of the one process that reaches the table during an outage. */
export const rescuer = 'rescuer' as const;

/** Enough of a blob's name to follow a trace. */
function short(name: string): string {
  const [kind = '', file = ''] = name.split('/').slice(-2);
  return `${kind} ${file.replace(/0{8,}/g, '').replace(/([0-9a-f]{6})[0-9a-f]{26}/, '$1')}`;
}
