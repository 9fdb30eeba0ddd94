/**
 * Makes the resources of a template, changes those that another template changes, and goes back when that fails: what
 * CloudFormation does with a stack.
 */
import { isDeepStrictEqual } from 'node:util';
import { DatasetError } from '../errors.ts';
import { type References, resolveValue } from './resources/intrinsics.ts';
import { arnOf, type CreatedResource, type Properties, type Surroundings } from './resources/resource.ts';
import { findUnknown, handlers, type Template } from './template.ts';

interface MadeResource extends CreatedResource {
  readonly type: string;
  /** Without references; undefined: of a type that is not emulated. */
  readonly properties: Properties | undefined;
}

export interface Deployment {
  readonly template: Template;
  readonly outputs: Readonly<Record<string, string>>;
  /** By logical id; `ref` is what `Ref` gives. */
  readonly resources: ReadonlyMap<string, MadeResource>;
}

export async function deployTemplate(template: Template, surroundings: Surroundings): Promise<Deployment> {
  return deploy(template, surroundings, new Map());
}

/**
 * Brings a stack to another template. When a part of it fails, all of it goes back to what was there.
 *
 * @param earlier what the surroundings are for the template that is there: its assets
 * @throws what failed first, once the stack is back
 */
export async function updateStack(
  before: Deployment,
  template: Template,
  surroundings: Surroundings,
  earlier: Surroundings,
): Promise<Deployment> {
  const made = new Map(before.resources);
  try {
    const after = await deploy(template, surroundings, made);
    removeAllBut(template, made, surroundings);
    return after;
  } catch (error) {
    await deploy(before.template, earlier, made);
    removeAllBut(before.template, made, earlier);
    throw error;
  }
}

/** `made`: what is there, and is kept up to date with each resource that is made or changed. */
async function deploy(
  template: Template,
  surroundings: Surroundings,
  made: Map<string, MadeResource>,
): Promise<Deployment> {
  const unknown = findUnknown(template);
  if (unknown.length > 0) {
    throw new DatasetError(
      'invalid',
      `the template has parts that the local cloud neither handles nor lists in not-emulated.ts: ${unknown.join('; ')}`,
    );
  }
  const stack = new Stack(template, surroundings, made);
  const ids = Object.keys(template.Resources);
  const results = await Promise.allSettled(ids.map((id) => stack.make(id)));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  const outputs: Record<string, string> = {};
  for (const [name, { Value }] of Object.entries(template.Outputs ?? {})) {
    outputs[name] = String(await resolveValue(Value, stack));
  }
  return { template, outputs, resources: new Map(made) };
}

function removeAllBut(template: Template, made: Map<string, MadeResource>, surroundings: Surroundings): void {
  for (const [id, resource] of made) {
    if (id in template.Resources) continue;
    handlers[resource.type]?.remove?.(resource, surroundings);
    made.delete(id);
  }
}

/** Makes each resource once, after those that it refers to. */
class Stack implements References {
  readonly #template: Template;
  readonly #surroundings: Surroundings;
  readonly #made: Map<string, MadeResource>;
  readonly #running = new Map<string, Promise<MadeResource>>();

  constructor(template: Template, surroundings: Surroundings, made: Map<string, MadeResource>) {
    this.#template = template;
    this.#surroundings = surroundings;
    this.#made = made;
  }

  make(id: string): Promise<MadeResource> {
    const running = this.#running.get(id) ?? this.#make(id);
    this.#running.set(id, running);
    return running;
  }

  async ref(name: string): Promise<string> {
    const parameter = this.#template.Parameters?.[name];
    if (parameter === undefined) return (await this.make(name)).ref;
    if (typeof parameter.Default === 'string') return parameter.Default;
    throw new DatasetError('invalid', `parameter ${name} has no default`);
  }

  async attribute(id: string, name: string): Promise<string> {
    const value = (await this.make(id)).attributes[name];
    if (value === undefined)
      throw new DatasetError('invalid', `${id} has no attribute ${name} in the local cloud`);
    return value;
  }

  async #make(id: string): Promise<MadeResource> {
    const resource = this.#template.Resources[id];
    if (resource === undefined) throw new DatasetError('invalid', `the template has no resource ${id}`);
    if (handlers[resource.Type] === undefined) {
      const made = placeholder(id, resource.Type);
      this.#made.set(id, made);
      return made;
    }
    await Promise.all([resource.DependsOn ?? []].flat().map((other) => this.make(other)));
    try {
      const made = await this.#put(id, {
        type: resource.Type,
        properties: Object(await resolveValue(resource.Properties ?? {}, this)),
        updatePolicy: Object(await resolveValue(resource.UpdatePolicy ?? {}, this)),
      });
      this.#made.set(id, made);
      return made;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new DatasetError('invalid', `${id} (${resource.Type}): ${reason}`, {}, cause);
    }
  }

  /** Creates it, or changes what is there if that is not so already. */
  async #put(
    logicalId: string,
    { type, properties, updatePolicy }: { type: string; properties: Properties; updatePolicy: Properties },
  ): Promise<MadeResource> {
    const before = this.#made.get(logicalId);
    if (before !== undefined && isDeepStrictEqual(before.properties, properties)) return before;
    const handler = handlers[type];
    const input = { logicalId, properties, updatePolicy };
    const created = await (before === undefined
      ? handler?.create(input, this.#surroundings)
      : handler?.update?.(input, this.#surroundings));
    if (created === undefined) throw new DatasetError('invalid', 'the local cloud cannot change it');
    return { ...created, type, properties };
  }
}

/** For types that are not emulated: something to refer to. */
function placeholder(id: string, type: string): MadeResource {
  const service = type.split('::')[1]?.toLowerCase() ?? '';
  return { ref: id, attributes: { Arn: arnOf(service, id) }, type, properties: undefined };
}
