/**
 * Suites are folders of test/. Projects differ only in what they need: `house` and `fast` nothing, `interop` a JDK,
 * `infra` the built bundles, `slow` the built bundles and emulated services; `long` is for what takes too long for `npm test`.
 */
import { defineConfig } from 'vitest/config';

const builds = ['test/support/build-bundles.ts'];

const project = (name: string, folders: readonly string[], options: object = {}) => ({
  extends: true as const,
  test: {
    name,
    include: folders.map((folder) => `test/${folder}/**/*.test.ts`),
    testTimeout: 10_000,
    hookTimeout: 20_000,
    ...options,
  },
});

const emulated = {
  globalSetup: ['test/support/synthesize.ts'],
  testTimeout: 60_000,
  hookTimeout: 120_000,
};

export default defineConfig({
  test: {
    setupFiles: ['test/support/setup.ts'],
    maxWorkers: 2,
    restoreMocks: true,
    projects: [
      project('house', ['house']),
      project('fast', ['unit', 'property', 'golden', 'contract', 'simulation'], { testTimeout: 30_000 }),
      project('infra', ['infra'], { globalSetup: builds, testTimeout: 60_000, hookTimeout: 60_000 }),
      project('interop', ['interop'], {
        globalSetup: ['test/interop/support/build-java.ts'],
        testTimeout: 120_000,
        hookTimeout: 120_000,
      }),
      project('slow', ['integration', 'e2e'], emulated),
      project('long', ['long'], emulated),
    ],
    coverage: {
      provider: 'v8',
      include: ['lib/**/*.ts', 'functions/**/*.ts', 'infra/**/*.ts'],
      reporter: ['text-summary', 'json-summary', 'html'],
    },
  },
});
