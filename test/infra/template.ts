import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import type { ContainerService } from '../../infra/container-service.ts';
import { HollowDataset, type HollowDatasetProps } from '../../infra/dataset.ts';
import { DatasetStack } from '../../infra/dataset-stack.ts';
import type { Stage } from '../../infra/stages.ts';

const stage: Stage = {
  name: 'test',
  region: 'eu-west-1',
  keepsData: false,
  logRetentionDays: 7,
  rollout: 'canary',
  hasBackups: false,
};

/** The feature flags of the project: without them the CDK makes other templates than the ones deployed. */
export const { context } = JSON.parse(readFileSync(join(import.meta.dirname, '../../cdk.json'), 'utf8')) as {
  context: Record<string, unknown>;
};

const uncheckedApp = () =>
  new App({ context, analyticsReporting: false, builtinCloudFormationValidation: false });

/** The template of one stage, and what `add` puts beside it, without the validation that synth.test.ts runs once for all. */
export function templateOf(
  overrides: Partial<Stage> = {},
  add: (stack: DatasetStack) => void = () => {},
): Template {
  const stack = new DatasetStack(uncheckedApp(), { ...stage, ...overrides });
  add(stack);
  return Template.fromStack(stack);
}

/** Adds the long-lived consumer in containers, in a network of its own. */
export function addContainers(dataset: HollowDataset, stack: Stack): ContainerService {
  return dataset.addContainerService('Lookups', {
    vpc: new Vpc(stack, 'Vpc', { maxAzs: 2, flowLogs: { all: {} } }),
  });
}

export const priceSchema = 'Price @PrimaryKey(sku) { long sku; int cents; }';

/** A stack of a user with the dataset `prices`, and what `add` puts beside it. */
export function templateWith(
  props: (stack: Stack) => Partial<HollowDatasetProps>,
  add: (dataset: HollowDataset, stack: Stack) => void = () => {},
  account?: string,
): Template {
  const stack = new Stack(uncheckedApp(), 'Shop', { env: { region: 'eu-west-1', account } });
  add(new HollowDataset(stack, 'Prices', { dataset: 'prices', schema: priceSchema, ...props(stack) }), stack);
  return Template.fromStack(stack);
}

interface RawStatement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface Statement {
  readonly actions: readonly string[];
  /** As it stands in the template, as text: `{"Fn::GetAtt":["CitiesStorageHeads…","Arn"]}`. */
  readonly resources: string;
  readonly condition: RawStatement['Condition'];
}

/** What the role whose logical id contains `role` is allowed. */
export function allowedTo(template: Template, role: string): readonly Statement[] {
  return Object.entries(template.findResources('AWS::IAM::Policy'))
    .filter(([id]) => id.includes(role))
    .flatMap(([, policy]) => policy['Properties'].PolicyDocument.Statement as RawStatement[])
    .filter((statement) => statement.Effect === 'Allow')
    .map(({ Action, Resource, Condition }) => ({
      actions: typeof Action === 'string' ? [Action] : Action,
      resources: JSON.stringify(Resource),
      condition: Condition,
    }));
}

/** The one resource of this type whose logical id contains `id`. */
export function resource(template: Template, type: string, id: string): Readonly<Record<string, unknown>> {
  const found = Object.entries(template.findResources(type)).filter(([logicalId]) => logicalId.includes(id));
  if (found.length !== 1) throw new Error(`${found.length} resources of type ${type} with ${id} in their id`);
  return found[0]?.[1] ?? {};
}
