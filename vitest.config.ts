import { defineConfig } from 'vitest/config';

/**
 * Two groups, one after the other: the parts, three files at a time, since many of them wait for disks and clocks; then what
 * starts the whole product, ten processes a home, two files at a time: on two cores, more would only wait for each other.
 */
const whole = ['journeys/test/**/*.test.ts', 'test/packages.test.ts', 'surfaces/cli/test/**/*.test.ts'];

export default defineConfig({
  test: {
    // One process a file: native modules, worker threads and child processes are part of what is tested.
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default'],
    printConsoleTrace: false,
    projects: [
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['{foundation,domains,surfaces,lab}/*/test/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...whole, '**/node_modules/**'],
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'whole', include: whole, maxWorkers: 2, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
