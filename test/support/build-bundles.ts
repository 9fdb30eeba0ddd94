/** Suites that run or deploy bundles build them first, so that they never test yesterday's. */
import { buildBundles } from '../../build.ts';

export default async function setup(): Promise<void> {
  await buildBundles();
}
