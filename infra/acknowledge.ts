import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Says why findings of cdk-nag are right as they are. An id is the rule, with the finding in brackets where the rule
 * has several: `AwsSolutions-IAM5[Resource::*]`. It holds for this construct and what is inside it.
 */
export function acknowledge(scope: IConstruct, ids: readonly string[], reason: string): void {
  Validations.of(scope).acknowledge(...ids.map((id) => ({ id, reason })));
}
