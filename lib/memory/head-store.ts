import { checkDatasetId, printDatasetId } from '../dataset-id.ts';
import { checkProposal, checkSnapshot, decideCommit, decideSnapshot } from '../head-rules.ts';
import type { CommitOutcome, CommitProposal, DatasetId, Head, HeadStore, SnapshotEntry } from '../ports.ts';

/** Heads in a map. A head is never changed, only replaced, so what was handed out stays as it was. */
export class MemoryHeadStore implements HeadStore {
  readonly #heads = new Map<string, Head>();

  async load(id: DatasetId, _consistency: 'strong' | 'eventual'): Promise<Head | null> {
    return this.#find(id);
  }

  async commit(id: DatasetId, proposal: CommitProposal): Promise<CommitOutcome> {
    checkProposal(proposal);
    return this.#keep(id, decideCommit(this.#find(id), proposal));
  }

  async registerSnapshot(id: DatasetId, era: number, snapshot: SnapshotEntry): Promise<CommitOutcome> {
    checkSnapshot(snapshot);
    return this.#keep(id, decideSnapshot(this.#find(id), era, snapshot));
  }

  #find(id: DatasetId): Head | null {
    checkDatasetId(id);
    return this.#heads.get(printDatasetId(id)) ?? null;
  }

  #keep(id: DatasetId, outcome: CommitOutcome): CommitOutcome {
    if (outcome.kind === 'committed') this.#heads.set(printDatasetId(id), outcome.head);
    return outcome;
  }
}
