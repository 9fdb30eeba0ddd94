import { checkDatasetId, printDatasetId } from '../dataset-id.ts';
import {
  checkFloorRaise,
  checkPin,
  checkPinName,
  checkProposal,
  checkReplacement,
  checkServe,
  checkSnapshot,
} from '../head-checks.ts';
import {
  decideCommit,
  decideFloor,
  decidePin,
  decideReplace,
  decideServe,
  decideSnapshot,
  decideUnpin,
} from '../head-rules.ts';
import type {
  CommitOutcome,
  CommitProposal,
  DatasetId,
  FloorRaise,
  Head,
  HeadStore,
  Pin,
  Serve,
  SnapshotEntry,
} from '../ports.ts';

/** Heads in a map. A head is never changed, only replaced, so what was handed out stays as it was. */
export class MemoryHeadStore implements HeadStore {
  readonly #heads = new Map<string, Head>();

  async load(id: DatasetId, _consistency: 'strong' | 'eventual'): Promise<Head | null> {
    return this.#find(id);
  }

  async commit(id: DatasetId, proposal: CommitProposal): Promise<CommitOutcome> {
    checkProposal(proposal);
    return this.#write(id, (head) => decideCommit(head, proposal));
  }

  async registerSnapshot(id: DatasetId, era: number, snapshot: SnapshotEntry): Promise<CommitOutcome> {
    checkSnapshot(snapshot);
    return this.#write(id, (head) => decideSnapshot(head, era, snapshot));
  }

  async raiseFloor(id: DatasetId, raise: FloorRaise): Promise<CommitOutcome> {
    checkFloorRaise(raise);
    return this.#write(id, (head) => decideFloor(head, raise));
  }

  async putPin(id: DatasetId, era: number, name: string, pin: Pin): Promise<CommitOutcome> {
    checkPin(name, pin);
    return this.#write(id, (head) => decidePin(head, era, name, pin));
  }

  async removePin(id: DatasetId, era: number, name: string): Promise<CommitOutcome> {
    checkPinName(name);
    return this.#write(id, (head) => decideUnpin(head, era, name));
  }

  async setServe(id: DatasetId, era: number, serve: Serve): Promise<CommitOutcome> {
    checkServe(serve);
    return this.#write(id, (head) => decideServe(head, era, serve));
  }

  async replace(id: DatasetId, expected: Head | null, next: Head): Promise<CommitOutcome> {
    checkReplacement(expected, next);
    return this.#write(id, (head) => decideReplace(head, expected, next));
  }

  #find(id: DatasetId): Head | null {
    checkDatasetId(id);
    return this.#heads.get(printDatasetId(id)) ?? null;
  }

  #write(id: DatasetId, decide: (head: Head | null) => CommitOutcome): CommitOutcome {
    const outcome = decide(this.#find(id));
    if (outcome.kind === 'committed') this.#heads.set(printDatasetId(id), outcome.head);
    return outcome;
  }
}
