import type { DatabaseSync } from 'node:sqlite';
import { checkDatasetId, printDatasetId } from '../dataset-id.ts';
import { FieldReader } from '../field-reader.ts';
import { checkProposal, checkSnapshot, decideCommit, decideSnapshot } from '../head-rules.ts';
import type { CommitOutcome, CommitProposal, DatasetId, Head, HeadStore, SnapshotEntry } from '../ports.ts';
import { decodeHead, encodeHead } from './head-json.ts';
import { attempt, openDatabase, transact } from './sqlite.ts';

const tables = 'CREATE TABLE IF NOT EXISTS heads (chain TEXT PRIMARY KEY, head TEXT NOT NULL) STRICT';

/** Heads in one SQLite file, a row per chain. Reads and writes are short and synchronous inside; all loads are strong. */
export class LocalHeadStore implements HeadStore {
  readonly #database: DatabaseSync;

  /** @param file created if missing, its folder too */
  constructor(file: string) {
    this.#database = openDatabase(file, tables);
  }

  async load(id: DatasetId, _consistency: 'strong' | 'eventual'): Promise<Head | null> {
    checkDatasetId(id);
    return attempt('load head', () => this.#find(printDatasetId(id)));
  }

  async commit(id: DatasetId, proposal: CommitProposal): Promise<CommitOutcome> {
    checkProposal(proposal);
    return this.#write(id, (head) => decideCommit(head, proposal));
  }

  async registerSnapshot(id: DatasetId, era: number, snapshot: SnapshotEntry): Promise<CommitOutcome> {
    checkSnapshot(snapshot);
    return this.#write(id, (head) => decideSnapshot(head, era, snapshot));
  }

  close(): void {
    this.#database.close();
  }

  #write(id: DatasetId, decide: (head: Head | null) => CommitOutcome): CommitOutcome {
    checkDatasetId(id);
    const chain = printDatasetId(id);
    return transact(this.#database, 'write head', () => {
      const outcome = decide(this.#find(chain));
      if (outcome.kind === 'committed') {
        this.#database
          .prepare('INSERT INTO heads VALUES (?, ?) ON CONFLICT DO UPDATE SET head = excluded.head')
          .run(chain, encodeHead(outcome.head));
      }
      return outcome;
    });
  }

  #find(chain: string): Head | null {
    const row = this.#database.prepare('SELECT head FROM heads WHERE chain = ?').get(chain);
    return row === undefined ? null : decodeHead(new FieldReader(row, 'row').string('head'));
  }
}
