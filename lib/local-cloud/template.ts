/**
 * Deploys a synthesized CloudFormation template to the local services. Everything in it is either acted on, or listed with
 * its reason in not-emulated.ts, or the deployment fails before anything is created.
 */
import { DatasetError } from '../errors.ts';
import {
  attributesNotEmulated,
  propertiesNotEmulated,
  sectionsNotEmulated,
  typesNotEmulated,
} from './not-emulated.ts';
import { eventBus, rule } from './resources/events.ts';
import {
  eventInvokeConfig,
  eventSourceMapping,
  lambdaAlias,
  lambdaFunction,
  lambdaVersion,
  permission,
} from './resources/functions.ts';
import { type References, resolveValue } from './resources/intrinsics.ts';
import { queue } from './resources/queues.ts';
import {
  arnOf,
  type CreatedResource,
  type ResourceHandler,
  type Surroundings,
} from './resources/resource.ts';
import { bucket, globalTable } from './resources/storage.ts';

export interface Template {
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown }>>;
  readonly Parameters?: Readonly<Record<string, { readonly Default?: unknown }>>;
  readonly [section: string]: unknown;
}

export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly DependsOn?: string | readonly string[];
  readonly [attribute: string]: unknown;
}

export interface Deployment {
  readonly outputs: Readonly<Record<string, string>>;
  /** What `Ref` gives, by logical id. */
  readonly resources: ReadonlyMap<string, string>;
}

const handlers: Readonly<Record<string, ResourceHandler>> = {
  'AWS::DynamoDB::GlobalTable': globalTable,
  'AWS::S3::Bucket': bucket,
  'AWS::SQS::Queue': queue,
  'AWS::Events::EventBus': eventBus,
  'AWS::Events::Rule': rule,
  'AWS::Lambda::Function': lambdaFunction,
  'AWS::Lambda::Version': lambdaVersion,
  'AWS::Lambda::Alias': lambdaAlias,
  'AWS::Lambda::EventSourceMapping': eventSourceMapping,
  'AWS::Lambda::EventInvokeConfig': eventInvokeConfig,
  'AWS::Lambda::Permission': permission,
};

const sections = ['Resources', 'Outputs', 'Parameters'];
const attributes = ['Type', 'Properties', 'DependsOn', ...Object.keys(attributesNotEmulated)];

export async function deployTemplate(template: Template, surroundings: Surroundings): Promise<Deployment> {
  const unknown = findUnknown(template);
  if (unknown.length > 0) {
    throw new DatasetError(
      'invalid',
      `the template has parts that the local cloud neither handles nor lists in not-emulated.ts: ${unknown.join('; ')}`,
    );
  }
  const stack = new Stack(template, surroundings);
  const ids = Object.keys(template.Resources);
  const created = await Promise.all(ids.map(async (id) => [id, (await stack.create(id)).ref] as const));
  const outputs: Record<string, string> = {};
  for (const [name, { Value }] of Object.entries(template.Outputs ?? {})) {
    outputs[name] = String(await resolveValue(Value, stack));
  }
  return { outputs, resources: new Map(created) };
}

/** Everything in the template that would be left out in silence. */
export function findUnknown(template: Template): readonly string[] {
  const unknown = Object.keys(template)
    .filter((name) => !sections.includes(name) && !(name in sectionsNotEmulated))
    .map((name) => `section ${name}`);
  for (const [id, resource] of Object.entries(template.Resources)) {
    const { Type, Properties } = resource;
    const others = Object.keys(resource).filter((name) => !attributes.includes(name));
    unknown.push(...others.map((name) => `${id}: ${name} of a resource`));
    if (Type in typesNotEmulated) continue;
    const handler = handlers[Type];
    if (handler === undefined) {
      unknown.push(`${id}: type ${Type}`);
      continue;
    }
    const known = [...handler.properties, ...Object.keys(propertiesNotEmulated[Type] ?? {})];
    const paths = new Set(unknownPaths(Properties ?? {}, '', known));
    unknown.push(...[...paths].map((path) => `${id}: ${Type} ${path}`));
  }
  return unknown;
}

function unknownPaths(value: unknown, at: string, known: readonly string[]): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((each) => unknownPaths(each, at, known));
  if (typeof value !== 'object' || value === null) return [at];
  return Object.entries(value).flatMap(([name, part]) => {
    const path = at === '' ? name : `${at}.${name}`;
    if (known.includes(path)) return [];
    return known.some((each) => each.startsWith(`${path}.`)) ? unknownPaths(part, path, known) : [path];
  });
}

/** Creates each resource once, after those that it refers to. */
class Stack implements References {
  readonly #template: Template;
  readonly #surroundings: Surroundings;
  readonly #created = new Map<string, Promise<CreatedResource>>();

  constructor(template: Template, surroundings: Surroundings) {
    this.#template = template;
    this.#surroundings = surroundings;
  }

  create(id: string): Promise<CreatedResource> {
    const running = this.#created.get(id) ?? this.#create(id);
    this.#created.set(id, running);
    return running;
  }

  async ref(name: string): Promise<string> {
    const parameter = this.#template.Parameters?.[name];
    if (parameter === undefined) return (await this.create(name)).ref;
    if (typeof parameter.Default === 'string') return parameter.Default;
    throw new DatasetError('invalid', `parameter ${name} has no default`);
  }

  async attribute(id: string, name: string): Promise<string> {
    const value = (await this.create(id)).attributes[name];
    if (value === undefined)
      throw new DatasetError('invalid', `${id} has no attribute ${name} in the local cloud`);
    return value;
  }

  async #create(id: string): Promise<CreatedResource> {
    const resource = this.#template.Resources[id];
    if (resource === undefined) throw new DatasetError('invalid', `the template has no resource ${id}`);
    const handler = handlers[resource.Type];
    if (handler === undefined) return placeholder(id, resource.Type);
    await Promise.all([resource.DependsOn ?? []].flat().map((other) => this.create(other)));
    try {
      const resolved = await resolveValue(resource.Properties ?? {}, this);
      const properties: Readonly<Record<string, unknown>> = Object(resolved);
      return await handler.create({ logicalId: id, properties }, this.#surroundings);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new DatasetError('invalid', `${id} (${resource.Type}): ${reason}`, {}, cause);
    }
  }
}

/** For types that are not emulated: something to refer to. */
function placeholder(id: string, type: string): CreatedResource {
  const service = type.split('::')[1]?.toLowerCase() ?? '';
  return { ref: id, attributes: { Arn: arnOf(service, id) } };
}
