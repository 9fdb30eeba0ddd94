import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { javaProgram } from './java-availability.ts';

const replyShape = z.discriminatedUnion('ok', [
  z.object({ id: z.number(), ok: z.literal(true), result: z.unknown() }),
  z.object({ id: z.number().nullable(), ok: z.literal(false), error: z.string() }),
]);

const endMsMax = 5_000;

/** JVM options for short runs: little CPU, quick start. */
const shortRun = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xss4m', '-Xmx1g'];

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * The running Java program. Requests are answered one at a time, in order.
 *
 * @example
 * await using java = JavaHollow.start();
 * await java.request('read.snapshot', { session: 'a', file });
 * const { lines } = await java.request('view.dump', { session: 'a' }, replies.dump);
 */
export class JavaHollow {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #stderr = '';
  #exited: string | null = null;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4_000);
    });
    createInterface({ input: child.stdout }).on('line', (line) => this.#receive(line));
    child.on('error', (error) => this.#end(`did not start: ${error.message}`));
    child.on('exit', (code, signal) => this.#end(`ended (${code ?? signal})`));
    child.stdin.on('error', () => undefined);
  }

  static start(jvmOptions: readonly string[] = shortRun): JavaHollow {
    const child = spawn(javaProgram.java, [...jvmOptions, '-jar', javaProgram.jar], { stdio: 'pipe' });
    return new JavaHollow(child);
  }

  /** @throws Error with the Java exception's text and causes, or when there is no reply in time */
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

  async dump(session: string): Promise<readonly string[]> {
    return (await this.request('view.dump', { session }, replies.dump)).lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#exited !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), endMsMax);
    await exit;
    clearTimeout(timer);
  }

  #receive(line: string): void {
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
    const log = this.#stderr === '' ? '' : `\nlast words of Java:\n${this.#stderr}`;
    return new Error(`Java, ${command}: ${problem}${log}`);
  }
}

/** Shapes of the results; the Java sources say what they mean. */
export const replies = {
  dump: z.object({ lines: z.array(z.string()) }),
  ordinals: z.object({ ordinals: z.array(z.number()) }),
  lookUps: z.object({
    byPrimaryKey: z.number(),
    byHashKey: z.number(),
    byOrdinal: z.number(),
    mismatches: z.array(z.string()),
  }),
  followed: z.object({ version: z.string(), loaded: z.array(z.string()) }),
  version: z.object({ version: z.string() }),
  state: z.object({ changed: z.boolean() }),
} as const;
