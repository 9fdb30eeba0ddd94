/** The functions inside a template's values: Ref, Fn::GetAtt, Fn::Sub, Fn::Join, Fn::Select, Fn::Split. */
import { DatasetError } from '../../errors.ts';
import { localAccount, localRegion } from '../environment.ts';

/** Where references lead. Both reject when there is no such thing. */
export interface References {
  ref(logicalId: string): Promise<string>;
  attribute(logicalId: string, name: string): Promise<string>;
}

const pseudoParameters: Readonly<Record<string, string>> = {
  'AWS::AccountId': localAccount,
  'AWS::Region': localRegion,
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::StackName': 'local',
  'AWS::StackId': `arn:aws:cloudformation:${localRegion}:${localAccount}:stack/local/0`,
};

/** The value with all its functions replaced by what they give. An unknown function is an error. */
export async function resolveValue(value: unknown, references: References): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map((each) => resolveValue(each, references)));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [first] = entries;
  if (first !== undefined && entries.length === 1 && (first[0] === 'Ref' || first[0].startsWith('Fn::'))) {
    return resolveFunction(first[0], first[1], references);
  }
  const resolved = entries.map(async ([name, part]) => [name, await resolveValue(part, references)] as const);
  return Object.fromEntries(await Promise.all(resolved));
}

async function resolveFunction(name: string, argument: unknown, references: References): Promise<unknown> {
  switch (name) {
    case 'Ref':
      return refOf(text(argument, name), references);
    case 'Fn::GetAtt': {
      const [id, attribute] = typeof argument === 'string' ? split2(argument) : list(argument, name);
      return references.attribute(text(id, name), text(attribute, name));
    }
    case 'Fn::Sub':
      return substitute(argument, references);
    case 'Fn::Join': {
      const [separator, parts] = list(argument, name);
      const resolved = list(await resolveValue(parts, references), name);
      return resolved.map((part) => text(part, name)).join(text(separator, name));
    }
    case 'Fn::Split': {
      const [separator, whole] = list(argument, name);
      return text(await resolveValue(whole, references), name).split(text(separator, name));
    }
    case 'Fn::Select': {
      const [index, from] = list(argument, name);
      const chosen = list(await resolveValue(from, references), name)[Number(index)];
      if (chosen === undefined) throw new DatasetError('invalid', `Fn::Select: nothing at ${String(index)}`);
      return chosen;
    }
    default:
      throw new DatasetError('invalid', `the local cloud does not know ${name}`);
  }
}

function refOf(name: string, references: References): string | Promise<string> {
  return pseudoParameters[name] ?? references.ref(name);
}

/** `${Name}`, `${Name.Attribute}`, `${!Literal}`, and variables of its own in the list form. */
async function substitute(argument: unknown, references: References): Promise<string> {
  const [template, own = {}] = Array.isArray(argument) ? argument : [argument];
  const variables = Object.entries(Object(await resolveValue(own, references)));
  const values = new Map(variables.map(([name, value]) => [name, text(value, 'Fn::Sub')]));
  const parts = text(template, 'Fn::Sub').split(/\$\{([^}]*)\}/);
  const resolved = parts.map(async (part, index) => {
    if (index % 2 === 0) return part;
    if (part.startsWith('!')) return `\${${part.slice(1)}}`;
    if (values.has(part)) return values.get(part) ?? '';
    const [id, attribute] = split2(part);
    return attribute === '' ? refOf(id, references) : references.attribute(id, attribute);
  });
  return (await Promise.all(resolved)).join('');
}

function split2(reference: string): [string, string] {
  const dot = reference.indexOf('.');
  return dot < 0 ? [reference, ''] : [reference.slice(0, dot), reference.slice(dot + 1)];
}

function text(value: unknown, where: string): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new DatasetError('invalid', `${where}: expected text, got ${JSON.stringify(value)}`);
}

function list(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new DatasetError('invalid', `${where}: expected a list, got ${JSON.stringify(value)}`);
}
