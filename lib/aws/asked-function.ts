import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { DatasetError } from '../errors.ts';
import { awsError } from './errors.ts';

/** A version or an alias of a Lambda function, invoked and waited for. */
export class AskedFunction {
  readonly #client: LambdaClient;
  readonly #functionArn: string;

  /** @param functionArn with the version or alias at its end */
  constructor(client: LambdaClient, functionArn: string) {
    this.#client = client;
    this.#functionArn = functionArn;
  }

  /** @throws DatasetError `invalid`: the function itself fails; else as any call fails */
  async ask(event: unknown): Promise<unknown> {
    const Payload = JSON.stringify(event);
    try {
      const answer = await this.#client.send(new InvokeCommand({ FunctionName: this.#functionArn, Payload }));
      const text = answer.Payload?.transformToString() ?? '';
      if (answer.FunctionError !== undefined) throw new DatasetError('invalid', text);
      return JSON.parse(text);
    } catch (error) {
      throw awsError(error, 'asking a function');
    }
  }
}
