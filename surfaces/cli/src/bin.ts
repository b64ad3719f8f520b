#!/usr/bin/env node
const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 24) {
  console.error(`error: Caponier needs Node 24 or newer, this is ${process.versions.node}.`);
  console.error('hint: install a current Node: https://nodejs.org');
  process.exit(2);
}
const { useCodeCache } = await import('./code-cache.ts');
useCodeCache();
// Only now: everything loaded from here on comes out of the cache.
const { main } = await import('./main.ts');
// Whoever reads our output may have seen enough (`| head`): that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
process.exitCode = await main(process.argv.slice(2));
// What a start that failed has left open must not keep a process alive that serves nobody: whoever looks after it would take
// it for running.
if (process.exitCode !== 0) setTimeout(() => process.exit(), 1_000).unref();

// A module of its own, so that `await` may stand above.
export {};
