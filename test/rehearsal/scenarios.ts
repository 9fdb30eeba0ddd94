/** What is deployed, and what must come of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildBundle } from '../../build.ts';
import { DatasetSchema, schemaIdOf } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';
import { root } from '../support/source-tree.ts';
import {
  checkConsumerRollback,
  checkNoTraffic,
  checkProducerRollback,
  checkTakenOver,
} from './expectations.ts';
import type { Change } from './next-assembly.ts';
import type { Rehearsal, Rolled } from './rehearsal.ts';

export interface Scenario {
  readonly name: string;
  readonly stage: 'staging' | 'prod';
  readonly change: Change;
  /** Empty: all is as it must be. */
  readonly judge: (rolled: Rolled, rehearsal: Rehearsal) => readonly string[] | Promise<readonly string[]>;
}

/** Directories of the bundles of later versions. */
export interface Versions {
  readonly nextConsumer: string;
  readonly wrongConsumer: string;
  readonly failingConsumer: string;
  readonly failingProducer: string;
}

/** Built as the functions are. */
export async function buildVersions(): Promise<Versions> {
  const build = async (name: string): Promise<string> => {
    const bundle = await buildBundle(`rehearsal/${name}`, `test/rehearsal/versions/${name}.ts`);
    return join(root, 'dist', bundle.name);
  };
  return {
    nextConsumer: await build('next-consumer'),
    wrongConsumer: await build('wrong-consumer'),
    failingConsumer: await build('failing-consumer'),
    failingProducer: await build('failing-producer'),
  };
}

const schema = readFileSync(join(root, 'datasets', 'cities.hollow'), 'utf8');
const longerSchema = schema.replace('String muniSub;', 'String muniSub;\n  String note;');
const otherSchema = schema.replace('int population;', 'String population;');
const consumerOf = (codeDirectory: string): Change => ({
  functions: [{ function: 'ConsumerFunction', codeDirectory }],
});

export function scenariosOf(versions: Versions): readonly Scenario[] {
  return [
    {
      name: 'a consumer that reads one field wrong',
      stage: 'staging',
      change: consumerOf(versions.wrongConsumer),
      judge: (rolled) => checkNoTraffic(rolled, 'the new version answers City'),
    },
    {
      name: 'a producer whose schema breaks readers',
      stage: 'staging',
      change: { functions: [], schema: otherSchema },
      judge: (rolled) => checkNoTraffic(rolled, 'the new schema would break readers of the present one'),
    },
    {
      name: 'a consumer that fails a fifth in a way no check sees',
      stage: 'staging',
      change: consumerOf(versions.failingConsumer),
      judge: checkConsumerRollback,
    },
    {
      name: 'a good consumer',
      stage: 'staging',
      change: consumerOf(versions.nextConsumer),
      judge: (rolled) => checkTakenOver(rolled, ['Consumer']),
    },
    {
      name: 'a longer schema: producer and consumer at once',
      stage: 'staging',
      change: {
        schema: longerSchema,
        functions: [
          {
            function: 'ProducerFunction',
            environment: {
              HOLLOW_ADVANCE_SCHEMA_FROM: schemaIdOf(DatasetSchema.of(parseSchemas(schema))),
            },
          },
          { function: 'ConsumerFunction', environment: { BUILD: 'of the longer schema' } },
        ],
      },
      judge: async (rolled, rehearsal) => [
        ...checkTakenOver(rolled, ['Consumer', 'Producer']),
        ...(await rehearsal.checkNewField('note')),
      ],
    },
    {
      name: 'a producer that fails in a way no check sees',
      stage: 'prod',
      change: {
        functions: [{ function: 'ProducerFunction', codeDirectory: versions.failingProducer }],
      },
      judge: checkProducerRollback,
    },
  ];
}
