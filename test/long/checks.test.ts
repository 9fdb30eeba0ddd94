/** Validation and cdk-nag over all that may be added to a dataset: some seconds, and the app of synth.test.ts has them every time. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack, Validations } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { afterAll, expect, it } from 'vitest';
import { HollowDataset } from '../../infra/dataset.ts';
import { HollowReplica } from '../../infra/replica.ts';
import { addContainers, context, priceSchema } from '../infra/template.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const { path, remove } = await temporaryDirectory();
afterAll(remove);

/** A home and its replica in another account, each with a key of its own. */
function addAccounts(app: App): void {
  const [homeAccount, awayAccount] = ['111122223333', '444455556666'];
  const home = new Stack(app, 'Home', { env: { region: 'eu-west-1', account: homeAccount } });
  const away = new Stack(app, 'OtherAccount', { env: { region: 'eu-central-1', account: awayAccount } });
  const place = { bucketName: 'prices-copies', busName: 'prices' };
  const shared = { dataset: 'prices', tableName: 'prices-heads' };
  new HollowDataset(home, 'Prices', {
    ...shared,
    schema: priceSchema,
    encryptionKey: new Key(home, 'Key', { enableKeyRotation: true }),
    replica: {
      region: 'eu-central-1',
      account: awayAccount,
      ...place,
      encryptionKeyArn: `arn:aws:kms:eu-central-1:${awayAccount}:key/1`,
    },
  });
  new HollowReplica(away, 'Prices', {
    ...shared,
    ...place,
    home: { account: homeAccount, tableRegion: 'eu-west-1' },
    encryptionKey: new Key(away, 'Key', { enableKeyRotation: true }),
  }).addConsumerFunction('Lookup');
}

it('the checks find nothing in a dataset with everything that may be added to one', () => {
  const app = new App({ context, outdir: path, analyticsReporting: false });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  const stack = new Stack(app, 'Whole', { env: { region: 'eu-west-1' } });
  const dataset = new HollowDataset(stack, 'Prices', {
    dataset: 'prices',
    schema: priceSchema,
    settings: {},
    backups: {},
    tableName: 'prices-heads',
    replica: { region: 'eu-central-1', bucketName: 'prices-replica', busName: 'prices' },
  });
  const away = new Stack(app, 'Away', { env: { region: 'eu-central-1' } });
  const place = { tableName: 'prices-heads', bucketName: 'prices-replica', busName: 'prices' };
  new HollowReplica(away, 'Prices', { dataset: 'prices', ...place }).addConsumerFunction('Lookup');
  addAccounts(app);
  const heir = new Stack(app, 'Heir', { env: { region: 'eu-central-1' } });
  const existingBucketName = 'prices-replica';
  new HollowDataset(heir, 'Prices', { dataset: 'prices', schema: priceSchema, existingBucketName });
  dataset.addConsumerFunction('Lookup');
  addContainers(dataset, stack);
  app.synth();
  const report = JSON.parse(readFileSync(join(path, 'validation-report.json'), 'utf8'));
  expect(report).toMatchObject({ pluginReports: [] });
});
