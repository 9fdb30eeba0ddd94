/** Lambda functions and what belongs to them. */
import { DatasetError } from '../../errors.ts';
import { FieldReader } from '../../field-reader.ts';
import { localRegion } from '../environment.ts';
import { defaultConcurrency } from '../event-source-mapping.ts';
import { compilePattern } from '../events/event-pattern.ts';
import { defaultAsyncConfig } from '../lambda/async-invoker.ts';
import { parseReference } from '../lambda/lambda-service.ts';
import type { StreamMappingConfig } from '../stream-mapping.ts';
import {
  arnOf,
  numberAt,
  type Properties,
  type ResourceHandler,
  requiredText,
  textAt,
  valueAt,
} from './resource.ts';

const putFunction: ResourceHandler['create'] = async ({ logicalId, properties }, surroundings) => {
  const { lambda, findAsset, environment, concurrencyMax } = surroundings;
  const functionName = textAt(properties, 'FunctionName') ?? logicalId;
  const key = requiredText(properties, 'Code', 'S3Key');
  const codeDirectory = findAsset(key);
  if (codeDirectory === undefined) throw new DatasetError('invalid', `no asset ${key}`);
  const runtime = requiredText(properties, 'Runtime');
  if (runtime !== 'nodejs24.x')
    throw new DatasetError('invalid', `the local Lambda runs nodejs24.x, not ${runtime}`);
  const logLevel = textAt(properties, 'LoggingConfig', 'ApplicationLogLevel');
  const created = lambda.putFunction({
    functionName,
    arn: arnOf('lambda', `function:${functionName}`),
    codeDirectory,
    handler: requiredText(properties, 'Handler'),
    timeoutSeconds: numberAt(properties, 'Timeout') ?? 3,
    memorySizeMb: numberAt(properties, 'MemorySize') ?? 128,
    environment: {
      ...environment,
      ...(logLevel === undefined ? {} : { AWS_LAMBDA_LOG_LEVEL: logLevel }),
      ...variablesOf(properties),
    },
    logFormat: textAt(properties, 'LoggingConfig', 'LogFormat') === 'JSON' ? 'JSON' : 'Text',
    logGroup: textAt(properties, 'LoggingConfig', 'LogGroup') ?? `/aws/lambda/${functionName}`,
    concurrencyMax: numberAt(properties, 'ReservedConcurrentExecutions') ?? concurrencyMax,
  });
  return { ref: functionName, attributes: { Arn: created.arn } };
};

export const lambdaFunction: ResourceHandler = {
  properties: [
    'Code.S3Bucket',
    'Code.S3Key',
    'Environment.Variables',
    'FunctionName',
    'Handler',
    'LoggingConfig.ApplicationLogLevel',
    'LoggingConfig.LogFormat',
    'LoggingConfig.LogGroup',
    'MemorySize',
    'ReservedConcurrentExecutions',
    'Runtime',
    'Timeout',
  ],
  create: putFunction,
  /** New code or settings of `$LATEST`; versions stay as they were published. */
  update: putFunction,
};

function variablesOf(properties: Properties): Record<string, string> {
  const variables = Object.entries(valueAt(properties, 'Environment', 'Variables') ?? {});
  return Object.fromEntries(variables.map(([name, value]) => [name, String(value)]));
}

export const lambdaVersion: ResourceHandler = {
  properties: ['FunctionName'],
  async create({ properties }, { lambda }) {
    const target = lambda.get(parseReference(requiredText(properties, 'FunctionName')).name);
    const Version = target.publishVersion();
    const ref = `${target.arn}:${Version}`;
    return { ref, attributes: { Version, FunctionArn: ref } };
  },
  remove({ ref }, { lambda }) {
    const { name, qualifier = '' } = parseReference(ref);
    lambda.get(name).deleteVersion(qualifier);
  },
};

export const eventSourceMapping: ResourceHandler = {
  properties: [
    'BatchSize',
    'DestinationConfig.OnFailure.Destination',
    'Enabled',
    'EventSourceArn',
    'FilterCriteria.Filters',
    'FunctionName',
    'FunctionResponseTypes',
    'MaximumBatchingWindowInSeconds',
    'MaximumRetryAttempts',
    'ScalingConfig.MaximumConcurrency',
    'StartingPosition',
  ],
  async create({ logicalId, properties }, { addMapping, addStreamMapping }) {
    const queueArn = requiredText(properties, 'EventSourceArn');
    if (queueArn.startsWith('arn:aws:dynamodb:')) {
      if (valueAt(properties, 'Enabled') !== false) addStreamMapping(streamMappingOf(properties));
      return { ref: logicalId, attributes: { Id: logicalId } };
    }
    const batchSize = numberAt(properties, 'BatchSize') ?? 10;
    const windowSeconds = numberAt(properties, 'MaximumBatchingWindowInSeconds') ?? 0;
    const concurrencyMax = numberAt(properties, 'ScalingConfig', 'MaximumConcurrency') ?? defaultConcurrency;
    if (!queueArn.startsWith(`arn:aws:sqs:${localRegion}:`)) throw invalid(`${queueArn} is not a queue`);
    if (batchSize > 10 && windowSeconds < 1)
      throw invalid('a batch of more than 10 needs a window of at least 1 s');
    if (concurrencyMax < 2) throw invalid('MaximumConcurrency must be at least 2');
    if (valueAt(properties, 'Enabled') !== false) {
      addMapping({
        queueArn,
        functionReference: requiredText(properties, 'FunctionName'),
        batchSize,
        windowSeconds,
        concurrencyMax,
        reportsBatchItemFailures: reportsBatchItemFailures(properties),
      });
    }
    return { ref: logicalId, attributes: { Id: logicalId } };
  },
};

function streamMappingOf(properties: Properties): StreamMappingConfig {
  const position = requiredText(properties, 'StartingPosition');
  if (position !== 'LATEST' && position !== 'TRIM_HORIZON') throw invalid(`StartingPosition ${position}`);
  const onFailureArn = textAt(properties, 'DestinationConfig', 'OnFailure', 'Destination');
  if (onFailureArn !== undefined && !onFailureArn.startsWith('arn:aws:sqs:')) {
    throw invalid(`the local Lambda reports failures to queues only, not to ${onFailureArn}`);
  }
  const filters = [valueAt(properties, 'FilterCriteria', 'Filters') ?? []].flat();
  return {
    streamArn: requiredText(properties, 'EventSourceArn'),
    functionReference: requiredText(properties, 'FunctionName'),
    batchSize: numberAt(properties, 'BatchSize') ?? 100,
    startingPosition: position,
    patterns: filters.map((filter) =>
      compilePattern(JSON.parse(new FieldReader(filter, 'filter').string('Pattern'))),
    ),
    reportsBatchItemFailures: reportsBatchItemFailures(properties),
    retriesMax: numberAt(properties, 'MaximumRetryAttempts') ?? -1,
    onFailureArn,
  };
}

function reportsBatchItemFailures(properties: Properties): boolean {
  return [valueAt(properties, 'FunctionResponseTypes')].flat().includes('ReportBatchItemFailures');
}

export const eventInvokeConfig: ResourceHandler = {
  properties: [
    'DestinationConfig.OnFailure.Destination',
    'FunctionName',
    'MaximumEventAgeInSeconds',
    'MaximumRetryAttempts',
    'Qualifier',
  ],
  async create({ logicalId, properties }, { lambda }) {
    const onFailureArn = textAt(properties, 'DestinationConfig', 'OnFailure', 'Destination');
    if (onFailureArn !== undefined && !onFailureArn.startsWith('arn:aws:sqs:')) {
      throw invalid(`the local Lambda reports failures to queues only, not to ${onFailureArn}`);
    }
    const qualifier = requiredText(properties, 'Qualifier');
    const reference = parseReference(requiredText(properties, 'FunctionName'), qualifier);
    lambda.putAsyncConfig(reference, {
      retriesMax: numberAt(properties, 'MaximumRetryAttempts') ?? defaultAsyncConfig.retriesMax,
      ageSecondsMax: numberAt(properties, 'MaximumEventAgeInSeconds') ?? defaultAsyncConfig.ageSecondsMax,
      onFailureArn,
    });
    return { ref: logicalId, attributes: {} };
  },
};

export const permission: ResourceHandler = {
  properties: ['Action', 'FunctionName', 'Principal', 'SourceArn'],
  async create({ logicalId, properties }, { lambda }) {
    const action = requiredText(properties, 'Action');
    if (action !== 'lambda:InvokeFunction')
      throw invalid(`the local Lambda knows no permission for ${action}`);
    lambda.addPermission({
      function: parseReference(requiredText(properties, 'FunctionName')),
      principal: requiredText(properties, 'Principal'),
      sourceArn: textAt(properties, 'SourceArn'),
    });
    return { ref: logicalId, attributes: {} };
  },
};

function invalid(message: string): DatasetError {
  return new DatasetError('invalid', message);
}
