import { toBase64 } from '../bytes/base64.ts';
import type { Random } from '../ports.ts';
import type { MessageProgress } from '../receipt.ts';

/** Twelve characters: every version tells of every source. Drawn by chance they are never the same again. */
const sourceBytes = 9;

/**
 * Numbers the messages of one sender to one partition. A number that was given out is never given to another message, and a
 * source whose number was lost is left: its later numbers would wait for that one for ever.
 */
export class MessageNumbers {
  readonly #random: Random;
  #source: string;
  #sequence = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#source = drawSource(random);
  }

  next(): MessageProgress {
    this.#sequence += 1;
    return { source: this.#source, sequence: this.#sequence };
  }

  /** Goes on with a new source. */
  restart(): void {
    this.#source = drawSource(this.#random);
    this.#sequence = 0;
  }
}

function drawSource(random: Random): string {
  return toBase64(random.bytes(sourceBytes));
}
