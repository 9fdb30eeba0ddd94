import { Violation, type World } from './world.ts';

/** Deliveries of one message without faults: what a dead process held, what a breaker refused, and the one that counts. */
const deliveriesMax = 4;

/**
 * L3: without faults everything is done with few attempts. A message is delivered a few times at most. An attempt to commit
 * fails only because another one succeeded, so of each success there are no more attempts than there are committers.
 */
export class Effort {
  readonly #world: World;
  readonly #committers: number;
  readonly #deliveries = new Map<string, number>();
  #attempts = 0;
  #commits = 0;

  /** @param committers processes that may commit at the same time */
  constructor(world: World, committers: number) {
    this.#world = world;
    this.#committers = committers;
  }

  onDelivery(messageId: string): void {
    if (this.#world.areFaultsOn) return;
    const count = (this.#deliveries.get(messageId) ?? 0) + 1;
    this.#deliveries.set(messageId, count);
    if (count > deliveriesMax)
      throw new Violation('L3', `message ${messageId} is delivered ${count} times without faults`);
  }

  /** The message was sent anew. */
  forget(messageId: string): void {
    this.#deliveries.delete(messageId);
  }

  onCommit(isCommitted: boolean): void {
    if (this.#world.areFaultsOn) return;
    this.#attempts += 1;
    if (isCommitted) this.#commits += 1;
    // Twice: what was under way when the faults ended, and was tried before, too.
    if (this.#attempts > this.#committers * (this.#commits + 2))
      throw new Violation('L3', `${this.#attempts} attempts for ${this.#commits} commits without faults`);
  }
}
