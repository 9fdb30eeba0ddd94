/**
 * EventBridge for one machine: buses, rules, targets and PutEvents over its JSON protocol. Events are matched when they
 * arrive and delivered in the background (events/event-delivery.ts). Rules live in memory, the template makes them anew;
 * events on their way are lost with the process, which their receivers must bear anyway: they are hints.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { limits } from '../limits.ts';
import { type LocalService, localAccount, localRegion } from './environment.ts';
import { type DeliveryOutcome, deliver, type EventTargets, type Target } from './events/event-delivery.ts';
import { compilePattern, type EventPattern, PatternError } from './events/event-pattern.ts';
import { Counts, header, listen, readBody } from './http.ts';

export interface EventBusOptions {
  readonly targets: EventTargets;
  readonly port?: number;
  /** First pause before a delivery is repeated. */
  readonly retryMsBase?: number;
}

export interface LocalEventBus extends LocalService {
  /** Finished deliveries by outcome. */
  deliveries(): ReadonlyMap<string, number>;
}

type Input = Readonly<Record<string, unknown>>;

interface Rule {
  readonly arn: string;
  readonly matches: EventPattern;
  readonly enabled: boolean;
  readonly targets: Map<string, Target>;
}

export async function startEventBus(options: EventBusOptions): Promise<LocalEventBus> {
  const bus = new EventBusServer(options);
  const listener = await listen((request, response) => void bus.answer(request, response), options.port);
  return {
    endpoint: listener.endpoint,
    requests: () => bus.counts.all(),
    deliveries: () => bus.outcomes.all(),
    async stop() {
      await listener.close();
      await bus.stop();
    },
  };
}

class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

class EventBusServer {
  readonly counts = new Counts();
  readonly outcomes = new Counts();
  readonly #options: EventBusOptions;
  readonly #buses = new Map<string, Map<string, Rule>>([['default', new Map()]]);
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(options: EventBusOptions) {
    this.#options = options;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const operation = header(request, 'x-amz-target')?.split('.').at(-1) ?? 'unknown';
      this.counts.add(operation);
      const input: Input = JSON.parse((await readBody(request)).toString() || '{}');
      answerJson(response, 200, this.#perform(operation, input));
    } catch (error) {
      const code = error instanceof ApiError ? error.code : 'InternalException';
      const message = error instanceof Error ? error.message : String(error);
      answerJson(response, code === 'InternalException' ? 500 : 400, { __type: code, message });
    }
  }

  #perform(operation: string, input: Input): object {
    switch (operation) {
      case 'CreateEventBus':
        return this.#createEventBus(input);
      case 'DescribeEventBus':
        this.#rulesOf(input['Name']);
        return { Name: busName(input['Name']), Arn: busArn(busName(input['Name'])) };
      case 'PutRule':
        return this.#putRule(input);
      case 'PutTargets':
        return this.#putTargets(input);
      case 'PutEvents':
        return this.#putEvents(input);
      default:
        throw new ApiError(
          'UnknownOperationException',
          `The local EventBridge does not implement ${operation}.`,
        );
    }
  }

  #createEventBus(input: Input): object {
    const name = busName(input['Name']);
    if (this.#buses.has(name)) {
      throw new ApiError('ResourceAlreadyExistsException', `Event bus ${name} already exists.`);
    }
    this.#buses.set(name, new Map());
    return { EventBusArn: busArn(name) };
  }

  #rulesOf(name: unknown): Map<string, Rule> {
    const rules = this.#buses.get(busName(name));
    if (rules === undefined) {
      throw new ApiError('ResourceNotFoundException', `Event bus ${busName(name)} does not exist.`);
    }
    return rules;
  }

  #putRule(input: Input): object {
    refuseUnknown(input, ['Name', 'EventBusName', 'EventPattern', 'State', 'Description', 'RoleArn', 'Tags']);
    const name = String(input['Name']);
    const bus = busName(input['EventBusName']);
    const arn = ruleArn(bus, name);
    const rules = this.#rulesOf(bus);
    const targets = rules.get(name)?.targets ?? new Map();
    rules.set(name, {
      arn,
      matches: patternOf(input['EventPattern']),
      enabled: input['State'] !== 'DISABLED',
      targets,
    });
    return { RuleArn: arn };
  }

  #putTargets(input: Input): object {
    const rule = this.#rulesOf(input['EventBusName']).get(String(input['Rule']));
    if (rule === undefined)
      throw new ApiError('ResourceNotFoundException', `Rule ${String(input['Rule'])} does not exist.`);
    for (const each of listOf(input['Targets'])) {
      const target = targetOf(each);
      rule.targets.set(target.id, target);
    }
    return { FailedEntryCount: 0, FailedEntries: [] };
  }

  #putEvents(input: Input): object {
    const entries = listOf(input['Entries']);
    if (entries.length === 0 || entries.length > limits.batchEntriesMax) {
      throw new ApiError('ValidationException', '1 to 10 entries are needed at entries');
    }
    if (entries.reduce((size, entry) => size + entrySize(entry), 0) > limits.eventSizeMax) {
      throw new ApiError(
        'ValidationException',
        'Total size of the entries in the request is over the limit.',
      );
    }
    const results = entries.map((entry) => this.#accept(entry));
    return { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results };
  }

  #accept(entry: Input): object {
    for (const name of ['Source', 'DetailType', 'Detail']) {
      if (typeof entry[name] === 'string' && entry[name] !== '') continue;
      const reason = `Parameter ${name} is not valid. Reason: ${name} is a required argument.`;
      return { ErrorCode: 'InvalidArgument', ErrorMessage: reason };
    }
    const rules = this.#buses.get(busName(entry['EventBusName']));
    const detail = parseDetail(String(entry['Detail']));
    if (detail === null) return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
    if (rules === undefined) {
      return {
        ErrorCode: 'ResourceNotFoundException',
        ErrorMessage: `No event bus ${busName(entry['EventBusName'])}`,
      };
    }
    const event = envelopeOf(entry, detail);
    const text = JSON.stringify(event);
    for (const rule of rules.values()) {
      if (!rule.enabled || !rule.matches(event)) continue;
      for (const target of rule.targets.values()) this.#deliver(rule.arn, target, text);
    }
    return { EventId: event.id };
  }

  #deliver(arn: string, target: Target, event: string): void {
    const { targets, retryMsBase = 200 } = this.#options;
    const policy = { targets, retryMsBase, retryMsCap: 30_000, signal: this.#stopping.signal };
    const run = deliver({ ruleArn: arn, target, event }, policy).then((outcome: DeliveryOutcome) => {
      this.outcomes.add(outcome);
      this.#running.delete(run);
    });
    this.#running.add(run);
  }
}

/** A bus is named by its name or its ARN. */
function busName(value: unknown): string {
  return typeof value === 'string' ? (value.split('/').at(-1) ?? value) : 'default';
}

function busArn(name: string): string {
  return `arn:aws:events:${localRegion}:${localAccount}:event-bus/${name}`;
}

function ruleArn(bus: string, name: string): string {
  const path = bus === 'default' ? name : `${bus}/${name}`;
  return `arn:aws:events:${localRegion}:${localAccount}:rule/${path}`;
}

function patternOf(text: unknown): EventPattern {
  if (typeof text !== 'string')
    throw new ApiError('ValidationException', 'The local EventBridge needs an EventPattern');
  try {
    return compilePattern(JSON.parse(text));
  } catch (error) {
    if (!(error instanceof PatternError) && !(error instanceof SyntaxError)) throw error;
    throw new ApiError(
      'InvalidEventPatternException',
      `Event pattern is not valid. Reason: ${error.message}`,
    );
  }
}

function targetOf(input: Input): Target {
  refuseUnknown(input, ['Id', 'Arn', 'RetryPolicy', 'DeadLetterConfig']);
  const arn = String(input['Arn']);
  if (!/^arn:aws:(sqs|lambda):/.test(arn)) {
    throw new ApiError(
      'ValidationException',
      `The local EventBridge delivers to SQS and Lambda only, not to ${arn}`,
    );
  }
  const retry = objectOf(input['RetryPolicy']);
  const deadLetterArn = objectOf(input['DeadLetterConfig'])['Arn'];
  return {
    id: String(input['Id']),
    arn,
    deadLetterArn: typeof deadLetterArn === 'string' ? deadLetterArn : undefined,
    retriesMax: Number(retry['MaximumRetryAttempts'] ?? 185),
    ageSecondsMax: Number(retry['MaximumEventAgeInSeconds'] ?? 86_400),
  };
}

function refuseUnknown(input: Input, known: readonly string[]): void {
  const unknown = Object.keys(input).filter((name) => !known.includes(name) && input[name] !== undefined);
  if (unknown.length > 0) {
    throw new ApiError(
      'ValidationException',
      `The local EventBridge does not implement ${unknown.join(', ')}`,
    );
  }
}

function listOf(value: unknown): readonly Input[] {
  return Array.isArray(value) ? value : [];
}

function objectOf(value: unknown): Input {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** Formula of the user guide: 14 bytes for a time, and the texts in UTF-8. */
function entrySize(entry: Input): number {
  const texts = [entry['Source'], entry['DetailType'], entry['Detail'], entry['Resources'] ?? []].flat();
  const size = texts.reduce<number>(
    (sum, text) => sum + (typeof text === 'string' ? Buffer.byteLength(text) : 0),
    0,
  );
  return size + (entry['Time'] === undefined ? 0 : 14);
}

function parseDetail(text: string): object | null {
  try {
    const detail: unknown = JSON.parse(text);
    return typeof detail === 'object' && !Array.isArray(detail) ? detail : null;
  } catch {
    return null;
  }
}

function envelopeOf(entry: Input, detail: object) {
  const time = typeof entry['Time'] === 'number' ? new Date(entry['Time'] * 1000) : new Date();
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': entry['DetailType'],
    source: entry['Source'],
    account: localAccount,
    time: `${time.toISOString().slice(0, 19)}Z`,
    region: localRegion,
    resources: entry['Resources'] ?? [],
    detail,
  };
}

function answerJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response
    .writeHead(status, {
      'content-type': 'application/x-amz-json-1.1',
      'content-length': Buffer.byteLength(text),
      'x-amzn-requestid': randomUUID(),
    })
    .end(text);
}
