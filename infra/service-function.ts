import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Alias,
  ApplicationLogLevel,
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { limits } from '../lib/limits.ts';
import { acknowledge } from './acknowledge.ts';

export interface ServiceFunctionProps {
  /** Folder under dist that holds the bundle (build.ts). */
  readonly bundle: string;
  /** In place of the bundle. */
  readonly code?: Code;
  readonly description: string;
  /** As lib/settings.ts has checked it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly memorySizeMb: number;
  readonly timeout: Duration;
  readonly reservedConcurrency?: number;
  readonly logRetention: RetentionDays;
}

/** A Lambda function as every function here is made. Callers and event sources use its alias `live`. */
export class ServiceFunction extends Construct {
  readonly function: LambdaFunction;
  readonly alias: Alias;
  readonly role: Role;

  constructor(scope: Construct, id: string, props: ServiceFunctionProps) {
    super(scope, id);
    checkEnvironmentSize(props.bundle, props.environment);
    const logGroup = new LogGroup(this, 'Logs', { retention: props.logRetention });
    // Written out instead of AWSLambdaBasicExecutionRole, which allows every log group of the account.
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    this.role.addToPolicy(
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
    );
    this.function = new LambdaFunction(this, 'Function', {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: props.code ?? Code.fromAsset(bundlePath(props.bundle)),
      role: this.role,
      environment: { ...props.environment, NODE_OPTIONS: '--enable-source-maps' },
      memorySize: props.memorySizeMb,
      timeout: props.timeout,
      reservedConcurrentExecutions: props.reservedConcurrency,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: ApplicationLogLevel.INFO,
      systemLogLevelV2: SystemLogLevel.WARN,
      tracing: Tracing.ACTIVE,
    });
    this.alias = new Alias(this, 'Live', { aliasName: 'live', version: this.function.currentVersion });
    acknowledge(
      this.role,
      ['AwsSolutions-IAM5[Resource::*]'],
      'X-Ray has no resources: xray:PutTraceSegments and xray:PutTelemetryRecords can only be allowed on *.',
    );
    acknowledge(
      this.function,
      ['Serverless-LambdaDLQ'],
      'No event is lost with a run that failed: queue and stream keep theirs, hints to consumers have a destination on failure, and schedules come again.',
    );
  }
}

/** @throws Error: it has not been built */
export function bundlePath(bundle: string): string {
  const path = join(import.meta.dirname, '..', 'dist', bundle);
  if (!existsSync(join(path, 'index.mjs'))) {
    throw new Error(`dist/${bundle}/index.mjs is not there: npm run build`);
  }
  return path;
}

/** Lambda refuses more at deploy time; here the reason can be named. Placeholders count with their own length. */
function checkEnvironmentSize(bundle: string, environment: Readonly<Record<string, string>>): void {
  const size = Buffer.byteLength(Object.entries(environment).flat().join(''));
  if (size > limits.environmentSizeMax) {
    throw new Error(
      `the environment of ${bundle} has ${size} of at most ${limits.environmentSizeMax} bytes; is the schema too long?`,
    );
  }
}
