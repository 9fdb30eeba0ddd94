import type { DatabaseSync } from 'node:sqlite';
import { FieldReader } from '../field-reader.ts';
import { toHex } from '../hex.ts';
import { checkMessages, checkReceive, type OutgoingMessage } from '../message-rules.ts';
import type { Clock, MutationMessage, MutationSink, MutationSource, Random } from '../ports.ts';
import { openDatabase, transact } from './sqlite.ts';

export interface LocalMutationQueueOptions {
  /** SQLite file; created if missing, its folder too. */
  readonly file: string;
  /** Wall clock: visibility has to mean the same in all processes. */
  readonly clock: Clock;
  readonly random: Random;
  /** A message that was delivered and not acknowledged comes again after this long. */
  readonly visibilityMs: number;
}

/** How often a waiting receive looks whether another process has sent something. */
const pollMs = 50;

/** An absent correlation id is an empty one, which no sender can set. */
const tables = `CREATE TABLE IF NOT EXISTS messages (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  body TEXT NOT NULL,
  correlationId TEXT NOT NULL,
  sentAtMs INTEGER NOT NULL,
  visibleAtMs INTEGER NOT NULL,
  receiveCount INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS messagesByVisibility ON messages (visibleAtMs, sequence)`;

const takeVisible = `UPDATE messages SET receiveCount = receiveCount + 1, visibleAtMs = :hiddenUntilMs
  WHERE id IN (SELECT id FROM messages WHERE visibleAtMs <= :nowMs ORDER BY visibleAtMs, sequence LIMIT :messagesMax)
  RETURNING id, body, correlationId, sentAtMs, receiveCount`;

/** A standard queue in one SQLite file. Only the receipt of the latest delivery acknowledges. */
export class LocalMutationQueue implements MutationSource, MutationSink {
  readonly #database: DatabaseSync;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #visibilityMs: number;

  constructor(options: LocalMutationQueueOptions) {
    this.#database = openDatabase(options.file, tables);
    this.#clock = options.clock;
    this.#random = options.random;
    this.#visibilityMs = options.visibilityMs;
  }

  async send(messages: readonly OutgoingMessage[]): Promise<void> {
    checkMessages(messages);
    if (messages.length === 0) return;
    const nowMs = this.#clock.nowMs();
    transact(this.#database, 'send messages', () => {
      const insert = this.#database.prepare(
        'INSERT INTO messages (id, body, correlationId, sentAtMs, visibleAtMs, receiveCount) VALUES (?, ?, ?, ?, ?, 0)',
      );
      for (const message of messages) {
        const id = toHex(this.#random.bytes(16));
        insert.run(id, message.body, message.correlationId ?? '', nowMs, nowMs);
      }
    });
  }

  async receive(
    messagesMax: number,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<readonly MutationMessage[]> {
    checkReceive(messagesMax, waitMs);
    const deadlineMs = this.#clock.monotonicMs() + waitMs;
    for (;;) {
      if (signal?.aborted) return [];
      const messages = this.#takeVisible(messagesMax);
      const restMs = deadlineMs - this.#clock.monotonicMs();
      if (messages.length > 0 || restMs <= 0) return messages;
      await this.#clock.sleep(Math.min(pollMs, restMs), signal);
    }
  }

  async acknowledge(messages: readonly MutationMessage[]): Promise<void> {
    if (messages.length === 0) return;
    transact(this.#database, 'acknowledge messages', () => {
      const remove = this.#database.prepare('DELETE FROM messages WHERE id = ? AND receiveCount = ?');
      for (const message of messages) remove.run(message.id, message.receiveCount);
    });
  }

  close(): void {
    this.#database.close();
  }

  #takeVisible(messagesMax: number): MutationMessage[] {
    const nowMs = this.#clock.nowMs();
    const hiddenUntilMs = nowMs + this.#visibilityMs;
    return transact(this.#database, 'receive messages', () =>
      this.#database.prepare(takeVisible).all({ nowMs, hiddenUntilMs, messagesMax }).map(decodeMessage),
    );
  }
}

function decodeMessage(row: unknown): MutationMessage {
  const fields = new FieldReader(row, 'message');
  const id = fields.string('id');
  const receiveCount = fields.integer('receiveCount', 1);
  const correlationId = fields.string('correlationId');
  const message = {
    id,
    body: fields.string('body'),
    sentAtMs: fields.integer('sentAtMs', 0),
    receiveCount,
    receipt: `${id}#${receiveCount}`,
  };
  return correlationId === '' ? message : { ...message, correlationId };
}
