/**
 * A synthesized CloudFormation template. Everything in it is either acted on by a handler, or listed with its reason in
 * not-emulated.ts, or its deployment (stack.ts) fails before anything is created.
 */
import {
  attributesNotEmulated,
  propertiesNotEmulated,
  sectionsNotEmulated,
  typesNotEmulated,
} from './not-emulated.ts';
import { alarm } from './resources/alarms.ts';
import { deploymentGroup, lambdaAlias } from './resources/deployments.ts';
import { eventBus, rule } from './resources/events.ts';
import {
  eventInvokeConfig,
  eventSourceMapping,
  lambdaFunction,
  lambdaVersion,
  permission,
} from './resources/functions.ts';
import { queue } from './resources/queues.ts';
import type { ResourceHandler } from './resources/resource.ts';
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
  readonly UpdatePolicy?: Readonly<Record<string, unknown>>;
  readonly [attribute: string]: unknown;
}

/** What acts on a type of resource. */
export const handlers: Readonly<Record<string, ResourceHandler>> = {
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
  'AWS::CloudWatch::Alarm': alarm,
  'AWS::CodeDeploy::DeploymentGroup': deploymentGroup,
};

const sections = ['Resources', 'Outputs', 'Parameters'];
const attributes = ['Type', 'Properties', 'DependsOn', 'UpdatePolicy', ...Object.keys(attributesNotEmulated)];

/** Everything in the template that would be left out in silence. */
export function findUnknown(template: Template): readonly string[] {
  const unknown = Object.keys(template)
    .filter((name) => !sections.includes(name) && !(name in sectionsNotEmulated))
    .map((name) => `section ${name}`);
  for (const [id, resource] of Object.entries(template.Resources)) {
    const { Type, Properties, UpdatePolicy } = resource;
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
    for (const path of unknownPaths(UpdatePolicy ?? {}, '', handler.updatePolicy ?? []))
      paths.add(`UpdatePolicy.${path}`);
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
