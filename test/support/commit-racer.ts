/** A process that commits to a head until it stands at a version: `commit-racer.ts <file> <id as JSON> <version> <label>`. */
import { LocalHeadStore } from '../../lib/local/head-store.ts';
import { nextProposal } from './heads.ts';

const [, , file = '', idText = '', versionText = '', label = ''] = process.argv;
const id = JSON.parse(idText);
const store = new LocalHeadStore(file);
let wonCount = 0;
for (let head = await store.load(id, 'strong'); head !== null && head.version < Number(versionText); ) {
  const outcome = await store.commit(id, nextProposal(head, label));
  if (outcome.kind === 'committed') wonCount += 1;
  head = outcome.head;
}
store.close();
process.stdout.write(String(wonCount));
