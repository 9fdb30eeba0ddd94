import { parseArgs } from 'node:util';
import { runChain } from './chain.ts';
import { runEvolvingChain } from './evolving-chain.ts';
import { fuzz } from './fuzz.ts';
import { measureHostile } from './hostile.ts';

const usage = `npm run fuzz -- [--seed N] [--count N] [--chains N]
  --count    damaged blobs
  --chains   random chains beside a model, as many again whose schema changes`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '0' },
    count: { type: 'string', default: '20000' },
    chains: { type: 'string', default: '100' },
  },
});
const seed = Number(values.seed);
const count = Number(values.count);
const chains = Number(values.chains);
if (![seed, count, chains].every(Number.isSafeInteger)) throw new Error(usage);

const startMs = performance.now();
const { finds, ...totals } = fuzz({ seed, count, runMsMax: 5_000 });
const seconds = (performance.now() - startMs) / 1_000;
for (const find of finds) process.stdout.write(`seed ${find.seed}, ${find.subject}: ${find.problem}\n`);
const hostile = measureHostile();
for (const { name, size, share, perByte, outcome } of hostile) {
  process.stdout.write(
    `${name}: ${size} bytes, ${outcome}, ${perByte.toFixed(0)} bytes of memory each, ${(share * 100).toFixed(0)} % of what it may take\n`,
  );
}
process.stdout.write(
  `${count} damaged blobs from seed ${seed} in ${seconds.toFixed(1)} s (${(count / seconds).toFixed(0)}/s): ${JSON.stringify(totals)}\n`,
);
const chainsStartMs = performance.now();
for (let chain = seed; chain < seed + chains; chain++) {
  for (const run of [runChain, runEvolvingChain]) {
    try {
      run(chain);
    } catch (error) {
      process.exitCode = 1;
      process.stdout.write(
        `${run.name}, seed ${chain}: ${error instanceof Error ? error.stack : String(error)}\n`,
      );
    }
  }
}
const chainSeconds = (performance.now() - chainsStartMs) / 1_000;
process.stdout.write(`${chains} chains of each kind from seed ${seed} in ${chainSeconds.toFixed(1)} s\n`);
if (finds.length > 0 || hostile.some(({ share }) => share > 1)) process.exitCode = 1;
