/**
 * `npm start`: everything on this machine, on real sockets and files, the five journeys in a few lines each, four attacks that
 * are refused; then it stays up. With `--exit` it ends, with the exit status of the run.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs, styleText } from 'node:util';
import { journeys } from '../journeys/all.ts';
import { attacks } from '../journeys/attacks/all.ts';
import { rootFlag, Stage } from '../journeys/stage.ts';

const web = fileURLToPath(new URL('../surfaces/web/', import.meta.url));

const bold = (text: string) => styleText('bold', text);
const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** The page is built once; in the published packages it comes built. */
async function buildPage(): Promise<void> {
  if (existsSync(`${web}assets/index.html`)) return;
  const { build } = await import('vite');
  await build({ root: web, logLevel: 'error' });
}

async function runJourneys(stage: Stage): Promise<void> {
  for (const [i, { title, run }] of journeys.entries()) {
    const begin = performance.now();
    console.log(bold(`\n${i + 1}. ${title}`));
    await run(stage);
    console.log(styleText('dim', `   ${seconds(begin)}`));
  }
}

async function runAttacks(stage: Stage): Promise<void> {
  console.log(bold('\nFour attacks, each refused'));
  for (const { what, code, run } of attacks) {
    const refusal = await run(stage);
    console.log(`   ${what.padEnd(44)} ${refusal}`);
    if (refusal !== code) throw new Error(`refused with ${refusal}, where ${code} was due`);
  }
}

async function tellNext(stage: Stage): Promise<void> {
  const laptop = stage.machine('laptop');
  const { page } = await laptop.ask<{ page: string | null }>('status');
  console.log(bold('\nIt stays up. Look around:'));
  console.log(`   the page   ${page ?? 'not built'}`);
  console.log(`   type       export CAPONIER_HOME=${laptop.home}`);
  console.log('              npm run -s caponier -- status');
  console.log('              npm run -s caponier -- shell box');
  console.log('   Ctrl-C ends it and removes everything.\n');
}

const { values } = parseArgs({ options: { exit: { type: 'boolean', default: false } } });
const begin = performance.now();
const stage = new Stage((line) => console.log(`   ${line}`));
const stopped = Promise.withResolvers<void>();
process.once('SIGINT', () => stopped.resolve());
process.once('SIGTERM', () => stopped.resolve());

try {
  console.log('Everything on this machine: three homes, one process for each service, real sockets, real SQLite.');
  if (rootFlag.length > 0)
    console.log('Running as root, so --allow-root is passed; on a machine of yours, use a user of its own.');
  await buildPage();
  await Promise.race([
    runJourneys(stage).then(() => runAttacks(stage)),
    stopped.promise.then(() => Promise.reject(new Error('stopped'))),
  ]);
  console.log(styleText('green', `\nAll journeys done, all attacks refused, in ${seconds(begin)}.`));
  if (!values.exit) {
    await tellNext(stage);
    // Nothing else keeps this process up: what runs are children of each home's supervisor.
    const alive = setInterval(() => {}, 60_000);
    await stopped.promise;
    clearInterval(alive);
  }
} catch (error) {
  console.error(
    `\nerror: ${(error as Error).message}\nhint: the homes and their logs are removed; run it again, and say so if it happens again`,
  );
  process.exitCode = 1;
} finally {
  await stage.close();
}
process.exit();
