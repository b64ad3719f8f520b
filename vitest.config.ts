import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Two groups, one after the other: the parts, three files at a time, since many of them wait for disks and clocks; then what
 * starts the whole product, ten processes a home, two files at a time: on two cores, more would only wait for each other.
 */
const parts = { maxWorkers: 3, sequence: { groupOrder: 0 } };
const whole = ['journeys/test/**/*.test.ts', 'test/packages.test.ts', 'surfaces/cli/test/**/*.test.ts'];

/**
 * Files that share a process with others, one after the other: loading the modules anew for each of two hundred files would
 * cost more than their tests. What they import must be theirs alone to change: no state of a module, nor of the process.
 */
const together = [
  'foundation/{crypto,policy,protocol,session,tlog,verify}/test/**/*.test.ts',
  'domains/{broker,gate,registry,relay,witness}/test/**/*.test.ts',
  'surfaces/sdk/test/**/*.test.ts',
];

/** But for what measures its process, or changes it. */
const alone = [
  'domains/relay/test/hostile/leave-memory-behind.test.ts',
  'domains/relay/test/hostile/leave-while-waiting.test.ts',
  'domains/relay/test/hostile/make-the-relay-connect.test.ts',
];

const codeCache = fileURLToPath(new URL('node_modules/.cache/caponier', import.meta.url));

/** The longest, in this order: begun last, one of them would keep a single worker busy while the others are done. */
const longest = [
  'journeys/test/journeys.test.ts',
  'test/packages.test.ts',
  'surfaces/cli/test/relay-elsewhere.test.ts',
  'surfaces/cli/test/up.test.ts',
  'surfaces/cli/test/relay-process.test.ts',
  'surfaces/cli/test/relay-tls.test.ts',
  'lab/sim/test/torture.test.ts',
  'foundation/verify/test/capsule/bytes.test.ts',
  'test/walls.test.ts',
  'domains/relay/test/durability.test.ts',
  'foundation/store/test/durability/crash.test.ts',
];

/** The longest first, by name, since a clean checkout has no times of a run before; the others in Vitest’s own order. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = longest.findIndex((name) => moduleId.endsWith(`/${name}`));
      return at < 0 ? longest.length : at;
    };
    const group = ({ project }: TestSpecification) => project.config.sequence.groupOrder;
    return (await super.sort(files)).sort((a, b) => group(a) - group(b) || place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    // Processes, not threads: native modules, worker threads and child processes are part of what is tested.
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // As long as a machine may need that has others to serve; what comes to hold is seen at once.
    expect: { poll: { timeout: 30_000, interval: 10 } },
    reporters: ['default'],
    printConsoleTrace: false,
    sequence: { sequencer: LongestFirst },
    // Compiled code, kept for the processes that tests start by the hundred.
    env: { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE || codeCache },
    projects: [
      {
        extends: true,
        test: {
          ...parts,
          name: 'parts',
          include: ['{foundation,domains,surfaces,lab}/*/test/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...whole, ...together, '**/node_modules/**'],
        },
      },
      { extends: true, test: { ...parts, name: 'together', include: together, exclude: alone, isolate: false } },
      { extends: true, test: { ...parts, name: 'alone', include: alone } },
      {
        extends: true,
        test: { name: 'whole', include: whole, maxWorkers: 2, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
