/**
 * Settings that change while programs run. They come as text from outside (AppConfig); a text that breaks a rule is
 * refused as a whole, with each field and the reason, and what was in force stays in force. So it does when there is no answer.
 */
import * as z from 'zod';
import { DatasetError } from './errors.ts';
import { limits } from './limits.ts';
import type { Clock, Telemetry } from './ports.ts';

/** The rules. infra makes the JSON Schema of them that AppConfig checks before anything is deployed. */
export const runtimeSettings = z.strictObject({
  /** True: nothing is committed, no snapshot is written, nothing is purged or deleted. Messages wait in the queue. */
  isPaused: z.boolean().prefault(false),
  /** False: what nobody needs any more stays, for someone to look into. */
  isCleaning: z.boolean().prefault(true),
  /** Messages that one commit takes; less bounds its time and memory. */
  messagesPerCommitMax: z.number().int().min(1).max(limits.batchEntriesMax).prefault(limits.batchEntriesMax),
  /** Below it nothing is logged. */
  logLevel: z.enum(['info', 'warn', 'error']).prefault('info'),
});

export type RuntimeSettings = Readonly<z.output<typeof runtimeSettings>>;

/**
 * @example
 * parseRuntimeSettings('{"isPaused":true}') // { isPaused: true, isCleaning: true, messagesPerCommitMax: 10, logLevel: 'info' }
 * @throws DatasetError `invalid`: names each field that is wrong, and the rule
 */
export function parseRuntimeSettings(text: string): RuntimeSettings {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new DatasetError('invalid', 'settings must be JSON', {}, error);
  }
  const result = z.safeParse(runtimeSettings, data);
  if (result.success) return Object.freeze(result.data);
  const problems = result.error.issues.map(({ path, message }) => `${path.join('.') || 'all'}: ${message}`);
  throw new DatasetError('invalid', `settings are refused: ${problems.join('; ')}`);
}

export interface LiveSettingsOptions {
  /** Reads the text as it is now; null: nowhere, what is built in stays for good. */
  readonly load: (() => Promise<string>) | null;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** The settings in force. Asked before each piece of work, it looks for new ones at most every half minute. */
export class LiveSettings {
  readonly #options: LiveSettingsOptions;
  #settings: RuntimeSettings = parseRuntimeSettings('{}');
  #text: string | null = null;
  #looksAgainMs = 0;

  constructor(options: LiveSettingsOptions) {
    this.#options = options;
  }

  /** Never fails: what cannot be read or is refused leaves those in force that were. */
  async current(): Promise<RuntimeSettings> {
    const { load, clock, telemetry } = this.#options;
    const nowMs = clock.monotonicMs();
    if (load === null || nowMs < this.#looksAgainMs) return this.#settings;
    // Also after a failure: an outage of the source must not cost every batch its time-out.
    this.#looksAgainMs = nowMs + limits.settingsAgeMsMax;
    try {
      this.#take(await load());
    } catch (error) {
      telemetry.log('warn', 'settings could not be read, those before stay', { error });
    }
    return this.#settings;
  }

  #take(text: string): void {
    const { telemetry } = this.#options;
    if (text === this.#text) return;
    try {
      this.#settings = parseRuntimeSettings(text);
      this.#text = text;
      telemetry.log('info', 'settings are in force', { settings: this.#settings });
    } catch (error) {
      // Each time anew, so that the alarm stays on for as long as this is deployed.
      telemetry.record('SettingsRefused', 1);
      telemetry.log('error', 'settings are refused, those before stay', { error });
    }
  }
}
