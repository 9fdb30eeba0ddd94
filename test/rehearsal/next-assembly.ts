/** The assembly that the CDK would write after a change of code or settings, made from the one that it did write. */
import type { Assembly } from '../../lib/local-cloud/assembly.ts';

export interface FunctionChange {
  /** Part of the function's logical id. */
  readonly function: string;
  /** Directory of its new code. */
  readonly codeDirectory?: string;
  /** Environment variables that it gets beside its own. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Change {
  readonly functions: readonly FunctionChange[];
  /** In place of the schema in the environment of every function that knows one. */
  readonly schema?: string;
}

interface FunctionResource {
  readonly Type: string;
  readonly Properties: {
    readonly Code: { S3Key: string };
    readonly Environment: { readonly Variables: Record<string, unknown> };
    /** Of a version: its function. */
    readonly FunctionName?: { readonly Ref: string };
  };
}

type Resources = Record<string, FunctionResource>;

/** `label`: in the names of what is new. */
export function nextAssembly(assembly: Assembly, change: Change, label: string): Assembly {
  const resources = resourcesOf(JSON.stringify(assembly.template));
  const assets = new Map<string, string>();
  for (const { function: part, codeDirectory, environment } of change.functions) {
    const { Properties: properties } = functionOf(resources, part);
    Object.assign(properties.Environment.Variables, environment);
    if (codeDirectory !== undefined) {
      properties.Code.S3Key = `${label}-${assets.size}.zip`;
      assets.set(properties.Code.S3Key, codeDirectory);
    }
  }
  const name = 'HOLLOW_SCHEMA';
  for (const { Type, Properties } of Object.values(resources)) {
    if (change.schema === undefined || Type !== 'AWS::Lambda::Function') continue;
    if (name in Properties.Environment.Variables) Properties.Environment.Variables[name] = change.schema;
  }
  const text = JSON.stringify({ ...assembly.template, Resources: resources });
  const findAsset = (key: string) => assets.get(key) ?? assembly.findAsset(key);
  return { template: JSON.parse(withNewVersions(assembly, text, label)), findAsset };
}

/**
 * A version's logical id ends with a hash of its function, so a function that changed has a version of a new name, and
 * what refers to that version has changed, too.
 */
function withNewVersions(before: Assembly, template: string, label: string): string {
  const old = resourcesOf(JSON.stringify(before.template));
  let text = template;
  for (;;) {
    const resources = resourcesOf(text);
    const [stale] =
      Object.entries(resources).find(([id, { Type, Properties }]) => {
        const owner = Properties?.FunctionName?.Ref ?? '';
        const hasChanged = JSON.stringify(resources[owner]) !== JSON.stringify(old[owner]);
        return Type === 'AWS::Lambda::Version' && id in old && hasChanged;
      }) ?? [];
    if (stale === undefined) return text;
    text = text.replaceAll(`"${stale}"`, `"${stale}${label}"`);
  }
}

function resourcesOf(template: string): Resources {
  const { Resources }: { Resources: Resources } = JSON.parse(template);
  return Resources;
}

function functionOf(resources: Resources, part: string): FunctionResource {
  const found = Object.entries(resources).filter(
    ([id, { Type }]) => Type === 'AWS::Lambda::Function' && id.includes(part),
  );
  const [[, only] = []] = found;
  if (only === undefined || found.length > 1)
    throw new Error(`${found.length} functions have ${part} in their id`);
  return only;
}
