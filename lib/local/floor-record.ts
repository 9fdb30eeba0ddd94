import type { DatabaseSync } from 'node:sqlite';
import { checkDatasetId, printDatasetId } from '../dataset-id.ts';
import { FieldReader } from '../field-reader.ts';
import { checkFloorMark, higherMark, parseFloorMark } from '../floor-rules.ts';
import type { DatasetId, FloorMark, FloorRecord } from '../ports.ts';
import { attempt, openDatabase, transact } from './sqlite.ts';

const tables = 'CREATE TABLE IF NOT EXISTS floors (chain TEXT PRIMARY KEY, mark TEXT NOT NULL) STRICT';

/** Floors in a SQLite file of their own: a copy of the heads' file that is put back leaves them as they are. */
export class LocalFloorRecord implements FloorRecord {
  readonly #database: DatabaseSync;

  /** @param file created if missing, its folder too */
  constructor(file: string) {
    this.#database = openDatabase(file, tables);
  }

  async load(id: DatasetId): Promise<FloorMark | null> {
    checkDatasetId(id);
    return attempt('load floor', () => this.#find(printDatasetId(id)));
  }

  async raise(id: DatasetId, mark: FloorMark): Promise<void> {
    checkDatasetId(id);
    checkFloorMark(mark);
    const chain = printDatasetId(id);
    transact(this.#database, 'raise floor', () => {
      const text = JSON.stringify(higherMark(this.#find(chain), mark));
      this.#database
        .prepare('INSERT INTO floors VALUES (?, ?) ON CONFLICT DO UPDATE SET mark = excluded.mark')
        .run(chain, text);
    });
  }

  close(): void {
    this.#database.close();
  }

  #find(chain: string): FloorMark | null {
    const row = this.#database.prepare('SELECT mark FROM floors WHERE chain = ?').get(chain);
    return row === undefined ? null : parseFloorMark(new FieldReader(row, 'row').string('mark'));
  }
}
