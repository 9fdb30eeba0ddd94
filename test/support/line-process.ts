import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';

const replyShape = z.discriminatedUnion('ok', [
  z.object({ id: z.number(), ok: z.literal(true), result: z.unknown() }),
  z.object({ id: z.number().nullable(), ok: z.literal(false), error: z.string() }),
]);

const endMsMax = 5_000;

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * A child process that obeys lines: a request `{id, command, …}` on its stdin, a reply `{id, ok, result | error}` on its
 * stdout, one at a time, in order. It ends when its stdin ends.
 */
export class LineProcess {
  readonly #name: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #stderr = '';
  #exited: string | null = null;

  /**
   * @param name of the program, for messages
   * @param env beside the variables of this process
   */
  constructor(name: string, program: string, args: readonly string[], env: Record<string, string> = {}) {
    this.#name = name;
    const child = spawn(program, args, { stdio: 'pipe', env: { ...process.env, ...env } });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4_000);
    });
    createInterface({ input: child.stdout }).on('line', (line) => this.#receive(line));
    child.on('error', (error) => this.#end(`did not start: ${error.message}`));
    child.on('exit', (code, signal) => this.#end(`ended (${code ?? signal})`));
    child.stdin.on('error', () => undefined);
  }

  /** @throws Error with what the program says, or when there is no reply in time */
  request<T>(
    command: string,
    fields: Readonly<Record<string, unknown>>,
    shape?: z.ZodType<T>,
    timeoutMs = 60_000,
  ): Promise<T> {
    if (this.#exited !== null) return Promise.reject(this.#error(command, this.#exited));
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = setTimeout(() => {
      this.#waiting.delete(id);
      reject(this.#error(command, `no reply in ${timeoutMs} ms`));
    }, timeoutMs);
    this.#waiting.set(id, { resolve, reject: (error) => reject(this.#error(command, error.message)), timer });
    this.#child.stdin.write(`${JSON.stringify({ id, command, ...fields })}\n`);
    return promise.then((result) => (shape ?? z.any()).parse(result));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#exited !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), endMsMax);
    await exit;
    clearTimeout(timer);
  }

  /** What is no reply is talk, and kept like that of stderr. */
  #receive(line: string): void {
    if (!line.startsWith('{')) {
      this.#stderr = `${this.#stderr}${line}\n`.slice(-4_000);
      return;
    }
    const reply = replyShape.parse(JSON.parse(line));
    const waiting = this.#waiting.get(reply.id ?? -1);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.id ?? -1);
    clearTimeout(waiting.timer);
    if (reply.ok) waiting.resolve(reply.result);
    else waiting.reject(new Error(reply.error));
  }

  #end(how: string): void {
    this.#exited = how;
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new Error(how));
    }
    this.#waiting.clear();
  }

  #error(command: string, problem: string): Error {
    const log = this.#stderr === '' ? '' : `\nits last words:\n${this.#stderr}`;
    return new Error(`${this.#name}, ${command}: ${problem}${log}`);
  }
}
