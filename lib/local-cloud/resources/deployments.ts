/** CodeDeploy's deployment groups, and how an alias gets another version. */
import { parseReference } from '../lambda/lambda-service.ts';
import { type Properties, type ResourceHandler, requiredText, textAt, valueAt } from './resource.ts';

const createGroup: ResourceHandler['create'] = async ({ logicalId, properties }, { codeDeploy }) => {
  const isOn = (part: string) => valueAt(properties, part, 'Enabled') === true;
  const alarms = [valueAt(properties, 'AlarmConfiguration', 'Alarms') ?? []].flat();
  const events = [valueAt(properties, 'AutoRollbackConfiguration', 'Events') ?? []].flat();
  codeDeploy.putGroup(logicalId, {
    configName: requiredText(properties, 'DeploymentConfigName'),
    alarms: isOn('AlarmConfiguration') ? alarms.map((alarm) => requiredText(Object(alarm), 'Name')) : [],
    rollbackEvents: isOn('AutoRollbackConfiguration') ? events.map(String) : [],
  });
  return { ref: logicalId, attributes: {} };
};

export const deploymentGroup: ResourceHandler = {
  properties: ['AlarmConfiguration', 'AutoRollbackConfiguration', 'DeploymentConfigName'],
  create: createGroup,
  update: createGroup,
};

export const lambdaAlias: ResourceHandler = {
  properties: ['FunctionName', 'FunctionVersion', 'Name'],
  updatePolicy: [
    'CodeDeployLambdaAliasUpdate.AfterAllowTrafficHook',
    'CodeDeployLambdaAliasUpdate.ApplicationName',
    'CodeDeployLambdaAliasUpdate.BeforeAllowTrafficHook',
    'CodeDeployLambdaAliasUpdate.DeploymentGroupName',
  ],
  async create({ properties }, { lambda }) {
    const target = lambda.get(functionNameOf(properties));
    const name = requiredText(properties, 'Name');
    target.putAlias(name, { version: requiredText(properties, 'FunctionVersion') });
    return { ref: `${target.arn}:${name}`, attributes: {} };
  },
  /** Through CodeDeploy where the template says so. */
  async update(input, surroundings) {
    const { properties, updatePolicy } = input;
    const policy = Object(valueAt(updatePolicy, 'CodeDeployLambdaAliasUpdate') ?? {});
    const group = textAt(policy, 'DeploymentGroupName');
    if (group === undefined) return lambdaAlias.create(input, surroundings);
    const functionName = functionNameOf(properties);
    const alias = requiredText(properties, 'Name');
    await surroundings.codeDeploy.deploy({
      group,
      functionName,
      alias,
      toVersion: requiredText(properties, 'FunctionVersion'),
      beforeHook: textAt(policy, 'BeforeAllowTrafficHook'),
      afterHook: textAt(policy, 'AfterAllowTrafficHook'),
    });
    return { ref: `${surroundings.lambda.get(functionName).arn}:${alias}`, attributes: {} };
  },
};

function functionNameOf(properties: Properties): string {
  return parseReference(requiredText(properties, 'FunctionName')).name;
}
