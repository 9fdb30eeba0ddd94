import type { DatabaseSync } from 'node:sqlite';
import { checkDatasetId, printDatasetId } from '../dataset-id.ts';
import { FieldReader } from '../field-reader.ts';
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
