/** A stage in a local cloud of its own, with readers and writers, to which changes are deployed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { sqsClient } from '../../lib/aws/clients.ts';
import { AwsMutationSink } from '../../lib/aws/mutation-sink.ts';
import { systemClock } from '../../lib/local/system-clock.ts';
import type { Assembly } from '../../lib/local-cloud/assembly.ts';
import { type LocalCloud, startLocalCloud } from '../../lib/local-cloud/cloud.ts';
import type { DeploymentRecord } from '../../lib/local-cloud/code-deploy/code-deploy.ts';
import { clientConfig } from '../../lib/local-cloud/environment.ts';
import type { InvocationRecord } from '../../lib/local-cloud/lambda/lambda-function.ts';
import { SeededRandom } from '../../lib/memory/random.ts';
import { MemoryTelemetry } from '../../lib/memory/telemetry.ts';
import type { MutationSink } from '../../lib/ports.ts';
import { Sender } from '../../lib/sender/sender.ts';
import { checkState } from '../soak/check.ts';
import { cities, Load } from '../soak/load.ts';
import { AlarmClock } from './alarm-clock.ts';
import { type Lookup, Lookups } from './lookups.ts';
import { type Change, nextAssembly } from './next-assembly.ts';

/** A minute of the template in the rehearsal, unless told otherwise: how fast its clock runs. */
export const defaultMinuteMs = 3_000;

const readers = 3;
const mutationsPerSecond = 20;
/** Cities that nobody changes: what readers ask for. */
const steadyCities = 50;
const firstSteadyId = 1_000_000;

export interface Rolled {
  /** Null: the deployment succeeded. */
  readonly refusal: string | null;
  readonly deployments: readonly DeploymentRecord[];
  /** What checks said against it. */
  readonly findings: readonly string[];
  readonly lookups: readonly Lookup[];
  /** Invocations of the producer by the event source mapping while it was deployed. */
  readonly batches: readonly InvocationRecord[];
  /** Mutations that the queue took meanwhile. */
  readonly accepted: number;
  /** Of the state afterwards: what was accepted and is not there, or not once. */
  readonly lost: readonly string[];
}

export class Rehearsal {
  readonly cloud: LocalCloud;
  readonly sink: MutationSink;
  readonly #clock: AlarmClock;
  readonly #minuteMs: number;
  readonly #invocations: InvocationRecord[];
  readonly #findings: string[];
  readonly #random: SeededRandom;
  readonly #sqs: SQSClient;
  readonly #load: Load;
  readonly #steady: ReadonlyMap<number, number>;
  #assembly: Assembly;

  private constructor(parts: {
    cloud: LocalCloud;
    clock: AlarmClock;
    invocations: InvocationRecord[];
    findings: string[];
    random: SeededRandom;
    assembly: Assembly;
    minuteMs: number;
  }) {
    const { cloud, random } = parts;
    this.#minuteMs = parts.minuteMs;
    this.cloud = cloud;
    this.#clock = parts.clock;
    this.#invocations = parts.invocations;
    this.#findings = parts.findings;
    this.#random = random;
    this.#assembly = parts.assembly;
    this.#sqs = sqsClient(clientConfig(cloud.endpoints.sqs));
    this.sink = new AwsMutationSink({ client: this.#sqs, queueUrl: this.#queueUrl });
    const telemetry = new MemoryTelemetry();
    const options = { dataset: cities, sinks: this.sink, clock: systemClock, random, telemetry };
    this.#load = new Load(new Sender({ ...options, name: 'rehearsal' }), random);
    this.#steady = new Map(
      Array.from({ length: steadyCities }, (_, i) => [firstSteadyId + i, 1_000 + i] as const),
    );
  }

  /**
   * With data, and warm.
   *
   * @param minuteMs longer where the machine may be busy: an alarm wants to see ten requests of the new version in a minute
   */
  static async start(
    assembly: Assembly,
    seed: number,
    minuteMs: number = defaultMinuteMs,
  ): Promise<Rehearsal> {
    const random = new SeededRandom(seed);
    const clock = new AlarmClock(minuteMs);
    const invocations: InvocationRecord[] = [];
    const findings: string[] = [];
    const cloud = await startLocalCloud({
      ...assembly,
      concurrencyMax: 16, // readers, announcements and checks at once
      onLog(source, text) {
        const problem = source.includes('Check') ? problemIn(text) : null;
        if (problem !== null) findings.push(problem);
      },
      rollouts: { minuteMs, isAlarmOn: (alarm) => clock.isOn(alarm) },
      onAlarm: (alarm, properties) => clock.put(alarm, properties),
      invocations: {
        random: new SeededRandom(random.uniform() * 2 ** 32),
        onInvoked(invocation) {
          clock.count(invocation);
          invocations.push(invocation);
        },
      },
    });
    const rehearsal = new Rehearsal({ cloud, clock, invocations, findings, random, assembly, minuteMs });
    try {
      await rehearsal.#begin();
    } catch (error) {
      await rehearsal.stop();
      throw error;
    }
    return rehearsal;
  }

  /** Deploys a change under load, waits until all is quiet again, and compares what is there with what was accepted. */
  async roll(change: Change, label: string): Promise<Rolled> {
    const before = {
      deployments: this.cloud.codeDeploy.deployments.length,
      invocations: this.#invocations.length,
      findings: this.#findings.length,
      accepted: this.#load.accepted,
    };
    const next = nextAssembly(this.#assembly, change, label);
    const settled = Promise.withResolvers<null>();
    const lookups = this.#newLookups(settled.promise);
    const stop = new AbortController();
    const reading = lookups.run(readers, stop.signal);
    const writing = this.#load.run(mutationsPerSecond, stop.signal);
    await sleep(this.#minuteMs / 2);
    const refusal = await this.cloud.update(next).then(() => null, reasonOf);
    settled.resolve(null);
    if (refusal === null) this.#assembly = next;
    await sleep(this.#minuteMs);
    stop.abort();
    await Promise.all([reading, writing]);
    const { problems } = await this.#check();
    while (!this.#clock.isQuiet) await sleep(this.#minuteMs / 4);
    const producer = this.functionName('ProducerFunction');
    return {
      refusal,
      deployments: this.cloud.codeDeploy.deployments.slice(before.deployments),
      findings: this.#findings.slice(before.findings),
      lookups: lookups.all,
      batches: this.#invocations
        .slice(before.invocations)
        .filter(({ functionName, qualifier }) => functionName === producer && qualifier === 'live'),
      accepted: this.#load.accepted - before.accepted,
      lost: problems,
    };
  }

  /** Senders begin to use a new field, and readers get it. Empty: they do. */
  async checkNewField(field: string): Promise<readonly string[]> {
    const [cityId, value] = [firstSteadyId, `a ${field}`];
    const patch = { op: 'patch', type: 'City', key: { cityId }, fields: { [field]: value } };
    await this.sink.send([{ body: JSON.stringify(patch) }]);
    const { problems } = await this.#check();
    const FunctionName = `${this.functionName('ConsumerFunction')}:live`;
    const Payload = JSON.stringify({ type: 'City', key: { cityId } });
    const client = new LambdaClient(clientConfig(this.cloud.endpoints.lambda));
    try {
      const answer = await client.send(new InvokeCommand({ FunctionName, Payload }));
      const text = answer.Payload?.transformToString() ?? '';
      return text.includes(value) ? problems : [...problems, `${field} is not in ${text}`];
    } finally {
      client.destroy();
    }
  }

  functionName(part: string): string {
    return this.cloud.getFunction(part).arn.split(':').at(-1) ?? '';
  }

  async stop(): Promise<void> {
    this.#clock.stop();
    await this.cloud.stop();
    this.#sqs.destroy();
  }

  get #queueUrl(): string {
    return this.cloud.outputs['MutationQueueUrl'] ?? '';
  }

  async #begin(): Promise<void> {
    const messages = Array.from(this.#steady, ([cityId, population]) => ({
      body: JSON.stringify({
        op: 'upsert',
        type: 'City',
        value: { cityId, name: `Steady ${cityId}`, population },
      }),
    }));
    await this.sink.send(messages);
    await this.#load.begin();
    const { problems } = await this.#check();
    if (problems.length > 0) throw new Error(`the data to begin with are not there: ${problems.join('; ')}`);
    // The time after which the queue delivers a message again runs as fast as the rest; queues count whole seconds.
    const [queue] = Object.entries(this.#assembly.template.Resources).filter(
      ([id, { Type }]) => Type === 'AWS::SQS::Queue' && id.includes('Mutations'),
    );
    const seconds = Number(queue?.[1].Properties?.['VisibilityTimeout']);
    const VisibilityTimeout = String(Math.ceil((seconds * this.#minuteMs) / 60_000));
    const Attributes = { VisibilityTimeout };
    await this.#sqs.send(new SetQueueAttributesCommand({ QueueUrl: this.#queueUrl, Attributes }));
    this.#clock.start(this.#assembly.template);
  }

  #newLookups(settled: Promise<null>): Lookups {
    return new Lookups({
      endpoint: this.cloud.endpoints.lambda,
      functionName: `${this.functionName('ConsumerFunction')}:live`,
      cities: this.#steady,
      random: this.#random,
      settled,
    });
  }

  #check() {
    const expected = () => new Map([...this.#load.expected(), ...this.#steady]);
    return checkState({ cloud: this.cloud, sqs: this.#sqs, expected });
  }
}

const checkedSchema = z.object({ problem: z.string() });

/** What deploy-check says that it found; null: any other line of its log. */
function problemIn(line: string): string | null {
  if (!line.startsWith('{')) return null;
  return checkedSchema.safeParse(JSON.parse(line)).data?.problem ?? null;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
