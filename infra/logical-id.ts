import { CfnElement, Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Of the resource that a construct stands for, as findings of cdk-nag name it. */
export function logicalIdOf(construct: IConstruct): string {
  const element = construct.node.defaultChild;
  if (element === undefined || !CfnElement.isCfnElement(element)) {
    throw new Error(`${construct.node.path} has no resource of its own`);
  }
  return Stack.of(construct).getLogicalId(element);
}
