import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      '{foundation,domains,surfaces,lab}/*/test/**/*.test.ts',
      'journeys/test/**/*.test.ts',
      'test/**/*.test.ts',
    ],
    // One process a file: native modules, worker threads and child processes are part of what is tested.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default'],
    printConsoleTrace: false,
  },
});
