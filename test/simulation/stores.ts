import type { DatasetId, Head, MutationMessage } from '../../lib/ports.ts';
import type { ChainBounds } from '../../lib/producer/chain.ts';
import { Bucket } from './bucket.ts';
import type { Site } from './coverage.ts';
import { Effort } from './effort.ts';
import { HeadStream } from './head-stream.ts';
import { Heads, type LaxTable, ownId, type Recovery } from './heads.ts';
import { Hints } from './hints.ts';
import { Invariants } from './invariants.ts';
import type { Carrier } from './network.ts';
import { Oracle } from './oracle.ts';
import type { Ports, Request } from './ports.ts';
import type { SimProcess } from './process.ts';
import { SimQueue } from './queue.ts';
import type { SharedStores } from './shared-stores.ts';
import type { Sent } from './traffic.ts';
import { readMessage } from './wire.ts';
import type { World } from './world.ts';

export interface CloudOptions {
  readonly id: DatasetId;
  readonly shared: SharedStores;
  readonly lax: LaxTable;
  readonly hasInline: boolean;
  readonly bounds: ChainBounds;
  /** Processes that may commit at the same time. */
  readonly committers: number;
}

/**
 * What belongs to one chain in the stores of the simulation: the memory adapters, and behind each write the invariants.
 * Its parts: heads.ts, bucket.ts, queue.ts, head-stream.ts, hints.ts.
 */
export class Cloud {
  readonly id: DatasetId;
  readonly oracle = new Oracle();
  readonly invariants: Invariants;
  readonly queue: SimQueue;
  readonly bucket: Bucket;
  readonly heads: Heads;
  readonly #hints: Hints;
  readonly #stream: HeadStream;
  readonly #world: World;
  readonly #network: Carrier;
  readonly #shared: SharedStores;
  readonly #hasInline: boolean;
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
    this.#hasInline = hasInline;
    const effort = new Effort(world, committers);
    const invariants = new Invariants({ id, bounds }, this.oracle, {
      blob: (name) => shared.present.get(name) ?? shared.presentInline.get(name) ?? null,
    });
    const stream = new HeadStream(world, network);
    this.invariants = invariants;
    this.#stream = stream;
    this.#hints = new Hints(world, network);
    this.bucket = new Bucket({ id, world, network, shared, invariants });
    this.heads = new Heads({ id, world, network, shared, invariants, effort, stream, lax });
    this.queue = new SimQueue(world, network, effort, (message) => invariants.onAcknowledge(message));
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
    return this.heads.head;
  }

  /** Of every outage that is over. */
  get recoveries(): readonly Recovery[] {
    return this.heads.recoveries;
  }

  get hasOutage(): boolean {
    return this.heads.hasOutage;
  }

  /** The table is back, and everything is sent again: what was lost with it comes back. */
  endOutage(): void {
    if (!this.hasOutage) return;
    this.heads.endOutage();
    for (const message of this.#archive) this.queue.acceptAgain(message);
  }

  portsOf(process: SimProcess): Ports {
    const request: Request = (site, detail, apply) =>
      this.#network.request({ from: process, site, detail, apply });
    const { bucket, id: own } = this;
    const { floors } = this.#shared;
    const ask = (site: Site, detail: string, apply: () => Promise<void>) =>
      request(site, () => detail, apply);
    return {
      heads: this.heads.storeOf(process, request),
      blobs: bucket.storeOf(request, 'blob'),
      ...(this.#hasInline ? { inline: bucket.storeOf(request, 'inline') } : {}),
      inbox: bucket.storeOf(request, 'inbox'),
      shelf: bucket.shelfOf(request, 'blob'),
      inlineShelf: bucket.shelfOf(request, 'inline'),
      floors: {
        load: (id) =>
          request(
            'floor.load',
            () => '',
            () => floors.load(ownId(own, id)),
          ),
        raise: (id, mark) =>
          request(
            'floor.raise',
            () => `era ${mark.era} floor ${mark.floor}`,
            () => floors.raise(ownId(own, id), mark),
          ),
      },
      announcer: {
        announce: (announcement) =>
          ask('announce', String(announcement.version), async () => {
            ownId(own, announcement.id);
            this.invariants.onAnnounce(announcement);
            this.#hints.announce(announcement);
          }),
      },
      watcher: this.#hints.watcherOf(process),
      quarantine: {
        send: (id, entries) =>
          ask('quarantine', String(entries.length), async () => {
            ownId(own, id);
            this.invariants.onQuarantine(entries);
          }),
      },
      lateQueue: {
        send: (id, entries) =>
          ask('late', String(entries.length), async () => {
            ownId(own, id);
            this.invariants.onLate(entries);
          }),
      },
      source: this.queue.sourceOf(process),
      sink: {
        send: (messages) =>
          ask('send', String(messages.length), async () => {
            for (const { body } of messages) this.#accept(this.#meant(body));
          }),
      },
      changes: this.#stream.sourceOf(process),
    };
  }
}
