import {
  type AppConfigDataClient,
  GetLatestConfigurationCommand,
  StartConfigurationSessionCommand,
} from '@aws-sdk/client-appconfigdata';
import { DatasetError } from '../errors.ts';
import type { RuntimeSettingsPlace } from '../settings.ts';
import { awsError } from './errors.ts';

/** AppConfig lets a session ask at most so often; its least. */
const pollSecondsMin = 15;

/**
 * What is deployed with AppConfig, as text. Each answer has the token for the next request and, unless it is the first, a
 * body only if something has changed.
 */
export class AwsSettingsSource {
  readonly #client: AppConfigDataClient;
  readonly #place: RuntimeSettingsPlace;
  /** Null: a session has to be begun. */
  #token: string | null = null;
  #text: string | null = null;

  constructor(client: AppConfigDataClient, place: RuntimeSettingsPlace) {
    this.#client = client;
    this.#place = place;
  }

  /** @throws DatasetError as any call fails; `unavailable`, too, while nothing has been deployed */
  async load(): Promise<string> {
    try {
      const ConfigurationToken = this.#token ?? (await this.#beginSession());
      // A token is good for one request, also when its answer is lost: then the next session knows.
      this.#token = null;
      const answer = await this.#client.send(new GetLatestConfigurationCommand({ ConfigurationToken }));
      this.#token = answer.NextPollConfigurationToken ?? null;
      const bytes = answer.Configuration ?? new Uint8Array(0);
      if (bytes.length > 0) this.#text = new TextDecoder().decode(bytes);
    } catch (error) {
      throw awsError(error, 'reading settings');
    }
    if (this.#text === null) throw new DatasetError('unavailable', 'no settings are deployed');
    return this.#text;
  }

  async #beginSession(): Promise<string | undefined> {
    const { application, environment, profile } = this.#place;
    const { InitialConfigurationToken } = await this.#client.send(
      new StartConfigurationSessionCommand({
        ApplicationIdentifier: application,
        EnvironmentIdentifier: environment,
        ConfigurationProfileIdentifier: profile,
        RequiredMinimumPollIntervalInSeconds: pollSecondsMin,
      }),
    );
    return InitialConfigurationToken;
  }
}
