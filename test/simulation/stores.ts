import { createHash } from 'node:crypto';
import { MemoryBlobStore } from '../../lib/memory/blob-store.ts';
import { MemoryHeadStore } from '../../lib/memory/head-store.ts';
import type {
  Announcement,
  AnnouncementWatcher,
  Announcer,
  BlobStore,
  CommitOutcome,
  DatasetId,
  Head,
  HeadStore,
  MutationMessage,
  MutationSource,
  Quarantine,
  StoredBlob,
} from '../../lib/ports.ts';
import { Invariants } from './invariants.ts';
import type { Network } from './network.ts';
import { Oracle } from './oracle.ts';
import type { SimProcess } from './process.ts';
import type { Sent } from './traffic.ts';
import type { World } from './world.ts';

/** What one process reaches. */
export interface Ports {
  readonly heads: HeadStore;
  readonly blobs: BlobStore;
  readonly announcer: Announcer;
  readonly watcher: AnnouncementWatcher;
  readonly quarantine: Quarantine;
  readonly source: MutationSource;
}

interface QueuedMessage {
  readonly id: string;
  readonly body: string;
  readonly sentAtMs: number;
  visibleAtMs: number;
  receiveCount: number;
}

interface Listener {
  readonly process: SimProcess;
  readonly listen: (announcement: Announcement) => void;
}

/** The stores of the simulation: the memory adapters, and behind each write the invariants. */
export class Cloud {
  readonly id: DatasetId = { dataset: 'simulated', partition: 0 };
  readonly oracle = new Oracle();
  readonly invariants: Invariants;
  readonly #world: World;
  readonly #network: Network;
  readonly #heads = new MemoryHeadStore();
  readonly #blobs = new MemoryBlobStore();
  readonly #history: (Head | null)[] = [null];
  /** Blobs as they are: a mutant may delete or overwrite what the memory adapter rightly keeps. */
  readonly #present = new Map<string, StoredBlob>();
  readonly #queue = new Map<string, QueuedMessage>();
  readonly #listeners = new Set<Listener>();
  #sentCount = 0;

  constructor(world: World, network: Network) {
    this.#world = world;
    this.#network = network;
    this.invariants = new Invariants(this.id, this.oracle, {
      blob: (name) => this.#present.get(name) ?? null,
    });
  }

  get messageCount(): number {
    return this.#queue.size;
  }

  /** As a sender sees it: accepted, whatever the answer. */
  send(sent: Sent): void {
    const world = this.#world;
    // The sender of an unknown send sends again.
    const copies = world.areFaultsOn && world.chance(0.05) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const id = `m${String(++this.#sentCount).padStart(4, '0')}`;
      const message: QueuedMessage = {
        id,
        body: sent.body,
        sentAtMs: world.wallMs,
        visibleAtMs: 0,
        receiveCount: 0,
      };
      this.#queue.set(id, message);
      this.oracle.accept({ ...message, receipt: '' }, sent);
      world.trace(`sent ${id} ${sent.body}`);
    }
  }

  portsOf(process: SimProcess): Ports {
    const call = <T>(label: string, apply: () => Promise<T>): Promise<T> =>
      this.#network.request(process, label, apply);
    return {
      heads: this.#headsOf(call),
      blobs: {
        put: (name, bytes, metadata) => call(`put ${short(name)}`, () => this.#put(name, bytes, metadata)),
        get: (name) => call(`get ${short(name)}`, async () => copyOf(this.#present.get(name))),
      },
      announcer: {
        announce: (announcement) =>
          call(`announce ${announcement.version}`, async () => this.#announce(announcement)),
      },
      watcher: { watch: (listen, signal) => this.#watch({ process, listen }, signal) },
      quarantine: {
        send: (_, entries) =>
          call(`quarantine ${entries.length}`, async () => this.invariants.onQuarantine(entries)),
      },
      source: {
        receive: (messagesMax) => call('receive', async () => this.#receive(messagesMax)),
        acknowledge: (messages) =>
          call(`acknowledge ${messages.map(({ id }) => id).join()}`, async () => this.#acknowledge(messages)),
      },
    };
  }

  /** For mutants only. */
  deleteBlob(name: string): void {
    this.#present.delete(name);
    this.#world.trace(`deleted ${short(name)}`);
    this.invariants.afterDeletion();
  }

  /** For mutants only: a blob whose name begins like this, the part or the main one. */
  findBlob(prefix: string, isPart: boolean): string | null {
    for (const name of this.#present.keys()) {
      if (name.startsWith(prefix) && name.includes('.part-') === isPart) return name;
    }
    return null;
  }

  /** For mutants only. */
  overwriteBlob(name: string, blob: StoredBlob): void {
    this.#present.set(name, blob);
    this.invariants.afterBlob(name, digestOf(blob.bytes));
  }

  #headsOf(call: <T>(label: string, apply: () => Promise<T>) => Promise<T>): HeadStore {
    return {
      load: (id, consistency) =>
        call(`load head ${consistency}`, async () => {
          const isStale = consistency === 'eventual' && this.#world.chance(this.#network.faults.stale);
          return isStale
            ? (this.#history.at(-this.#world.count(1, 3)) ?? null)
            : this.#heads.load(id, consistency);
        }),
      commit: (id, proposal) =>
        call(`commit ${proposal.version} ${proposal.cid.slice(0, 6)}`, async () =>
          this.#afterHead(await this.#heads.commit(id, proposal)),
        ),
      registerSnapshot: (id, era, snapshot) =>
        call(`register snapshot ${snapshot.version}`, async () =>
          this.#afterHead(await this.#heads.registerSnapshot(id, era, snapshot)),
        ),
      raiseFloor: (id, raise) =>
        call(`raise floor ${raise.floor}`, async () =>
          this.#afterHead(await this.#heads.raiseFloor(id, raise)),
        ),
      putPin: (id, era, name, pin) =>
        call(`pin ${name} ${pin.version}`, async () =>
          this.#afterHead(await this.#heads.putPin(id, era, name, pin)),
        ),
      removePin: (id, era, name) =>
        call(`unpin ${name}`, async () => this.#afterHead(await this.#heads.removePin(id, era, name))),
      setServe: (id, era, serve) =>
        call(`serve ${serve.pin ?? 'head'}`, async () =>
          this.#afterHead(await this.#heads.setServe(id, era, serve)),
        ),
      replace: (id, expected, head) =>
        call(`replace head ${head.era}`, async () =>
          this.#afterHead(await this.#heads.replace(id, expected, head)),
        ),
    };
  }

  #afterHead(outcome: CommitOutcome): CommitOutcome {
    const { head } = outcome;
    this.#world.trace(`  ${outcome.kind}, head ${head?.version ?? 0} ${head?.cid.slice(0, 6) ?? ''}`);
    if (outcome.kind === 'committed') {
      this.#history.push(outcome.head);
      this.invariants.afterHead(outcome.head);
    }
    return outcome;
  }

  async #put(...[name, bytes, metadata]: Parameters<BlobStore['put']>): ReturnType<BlobStore['put']> {
    const outcome = await this.#blobs.put(name, bytes, metadata);
    if (outcome.kind === 'stored') {
      const stored = await this.#blobs.get(name);
      if (stored !== null) this.#present.set(name, stored);
      this.invariants.afterBlob(name, digestOf(bytes));
    }
    return outcome;
  }

  #announce(announcement: Announcement): void {
    this.invariants.onAnnounce(announcement);
    const { faults } = this.#network;
    for (const { process, listen } of this.#listeners) {
      if (this.#world.chance(faults.hintLost)) continue;
      const copies = this.#world.chance(faults.hintTwice) ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) {
        const afterMs = this.#world.between(5, this.#world.chance(0.2) ? 3_000 : 100);
        process.deliver(afterMs, 'hint', () => listen(announcement));
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

  /** Any order; sometimes a message is delivered although another delivery of it is still at work. */
  #receive(messagesMax: number): MutationMessage[] {
    const world = this.#world;
    const visible = [...this.#queue.values()].filter((message) => message.visibleAtMs <= world.nowMs);
    const taken: MutationMessage[] = [];
    const wanted = world.count(1, messagesMax);
    while (taken.length < wanted && visible.length > 0) {
      const [message] = visible.splice(world.count(0, visible.length - 1), 1);
      if (message === undefined) break;
      const isTwice = world.chance(this.#network.faults.deliverTwice);
      message.visibleAtMs = world.nowMs + (isTwice ? world.between(0, 200) : 10_000);
      message.receiveCount += 1;
      const { id, body, sentAtMs, receiveCount } = message;
      taken.push({ id, body, sentAtMs, receiveCount, receipt: `${id}#${receiveCount}` });
    }
    return taken;
  }

  #acknowledge(messages: readonly MutationMessage[]): void {
    for (const message of messages) {
      const queued = this.#queue.get(message.id);
      if (queued === undefined) continue;
      this.invariants.onAcknowledge(message);
      // An old receipt may or may not delete.
      const isLatest = message.receipt === `${message.id}#${queued.receiveCount}`;
      if (isLatest || this.#world.chance(0.5)) this.#queue.delete(message.id);
    }
  }
}

function copyOf(blob: StoredBlob | undefined): StoredBlob | null {
  return blob === undefined ? null : { bytes: blob.bytes.slice(), metadata: blob.metadata };
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Enough of a blob's name to follow a trace. */
function short(name: string): string {
  const [kind = '', file = ''] = name.split('/').slice(-2);
  return `${kind} ${file.replace(/0{8,}/g, '').replace(/([0-9a-f]{6})[0-9a-f]{26}/, '$1')}`;
}
