import { limits } from '../limits.ts';
import type { MutationMessage } from '../ports.ts';
import type { DatasetSchema } from '../schema/dataset-schema.ts';
import { keyOfScanned } from '../schema/record-key.ts';
import { RecordScanner } from '../schema/record-scanner.ts';
import { isBookkeepingType } from './bookkeeping-schema.ts';
import { checkHome, type Home, type ParsedMessage, type Upsert } from './mutations.ts';
import { deriveStamp } from './order-stamp.ts';
import { parseBody } from './parse-body.ts';

const encoder = new TextEncoder();
const emptyList = '{"mutations":[]';
const listStart = encoder.encode('{"mutations":[');
const [comma, bracket, brace] = [encoder.encode(','), encoder.encode(']'), encoder.encode('}')];

/** How an upsert of a type begins, as senders write it. */
interface UpsertStart {
  readonly type: string;
  readonly bytes: Uint8Array;
}

export interface ScanOptions {
  /** Null: the dataset has one partition. */
  readonly home: Home | null;
  readonly bodySizeMax: number;
}

/**
 * The short way for what most messages are, one upsert or a list of them in the form that senders write: records are checked in the
 * text and stay there (RecordScanner). Null: that is not what it is, or not all of it is right: parseMessage says what it is.
 */
export class MessageScanner {
  readonly #scanner: RecordScanner;
  readonly #starts: readonly UpsertStart[];
  /** Most messages are of one type. */
  #last = 0;

  constructor(schema: DatasetSchema) {
    this.#scanner = new RecordScanner(schema);
    this.#starts = schema.keyedTypes
      .filter((type) => !isBookkeepingType(type))
      .map((type) => ({
        type,
        bytes: encoder.encode(`{"op":"upsert","type":${JSON.stringify(type)},"value":`),
      }));
  }

  /** What parseMessage would make of it, but that the records are not objects. */
  scan(message: MutationMessage, { home, bodySizeMax }: ScanOptions): ParsedMessage | null {
    const { body } = message;
    const scanner = this.#scanner;
    // What came from the inbox may be so large that its words would take more memory than it is worth.
    const sizeMax = Math.min(bodySizeMax, limits.messageSizeMax);
    if (body.length > sizeMax || !scanner.open(body)) return null;
    const mutations: Upsert[] = [];
    const positions: number[] = [];
    const isList = scanner.accept(listStart);
    do {
      const index = mutations.length;
      const mutation = this.#upsert(message, index);
      if (mutation === null || index === limits.mutationsPerMessageMax) return null;
      if (checkHome(mutation, home) !== null) return null;
      mutations.push(mutation);
      positions.push(index);
    } while (isList && scanner.accept(comma));
    let progress: ParsedMessage['progress'] = null;
    if (isList) {
      if (!scanner.accept(bracket)) return null;
      const rest = parseBody(emptyList + body.slice(scanner.position), bodySizeMax);
      // Of a name that is there twice JSON has the last.
      if (rest.problem !== null || rest.isAtomic || rest.mutations.length > 0) return null;
      progress = rest.progress;
    } else if (!scanner.isAtEnd) return null;
    scanner.keep();
    return { mutations, positions, units: [], rejected: [], progress };
  }

  #upsert(message: MutationMessage, index: number): Upsert | null {
    const scanner = this.#scanner;
    const start = this.#start();
    const value = start === undefined ? null : scanner.record(start.type);
    if (start === undefined || value === null || !scanner.accept(brace)) return null;
    const { type } = start;
    return { op: 'upsert', type, key: keyOfScanned(type, value), stamp: deriveStamp(message, index), value };
  }

  #start(): UpsertStart | undefined {
    const scanner = this.#scanner;
    const last = this.#starts[this.#last];
    if (last !== undefined && scanner.accept(last.bytes)) return last;
    const found = this.#starts.findIndex(({ bytes }) => scanner.accept(bytes));
    if (found >= 0) this.#last = found;
    return this.#starts[found];
  }
}
