import type { Announcement, AnnouncementWatcher } from '../../lib/ports.ts';
import type { Carrier } from './network.ts';
import type { SimProcess } from './process.ts';
import type { World } from './world.ts';

interface Listener {
  readonly process: SimProcess;
  readonly listen: (announcement: Announcement) => void;
}

/** The bus: whoever listens is told, or not, or late, or twice. */
export class Hints {
  readonly #world: World;
  readonly #network: Carrier;
  readonly #listeners = new Set<Listener>();

  constructor(world: World, network: Carrier) {
    this.#world = world;
    this.#network = network;
  }

  announce(announcement: Announcement): void {
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

  watcherOf(process: SimProcess): AnnouncementWatcher {
    return {
      watch: (listen, signal) => {
        const listener = { process, listen };
        this.#listeners.add(listener);
        return new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            this.#listeners.delete(listener);
            resolve();
          });
        });
      },
    };
  }
}
