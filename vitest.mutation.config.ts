import { defineConfig } from 'vitest/config';

/** The tests that stand against mutants (stryker.config.json): those of the mutated code, and not what starts processes. */
export default defineConfig({
  test: {
    include: ['foundation/{protocol,verify}/test/**/*.test.ts'],
    pool: 'threads',
    maxWorkers: 1,
    testTimeout: 60_000,
  },
});
