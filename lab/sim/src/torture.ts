import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { loadTorture, tortureNames } from './list.ts';
import { FailedRound, maxSeed, runTorture } from './run.ts';
import type { Torture } from './types.ts';

const maxCount = 10_000_000;

/** What `--n` counts. */
const unitOf = ({ each }: Torture) => (each === undefined ? 'rounds' : 'attempts');

async function help(): Promise<string> {
  const lines: string[] = [];
  for (const name of tortureNames()) {
    const torture = await loadTorture(name);
    if (torture)
      lines.push(`  ${name.padEnd(12)}${torture.summary} (${torture.rounds * (torture.each ?? 1)} ${unitOf(torture)})`);
  }
  return `Usage: npm run torture -- <name> [--n COUNT] [--seed SEED] [--json]

Plays random rounds against one promise until it breaks. A round that fails names its seed, and the seed plays it again.

${lines.join('\n')}

Example: npm run torture -- statements --n 100
`;
}

function usage(message: string): 2 {
  process.stderr.write(`error: ${message}\nhint: npm run torture -- --help\n`);
  return 2;
}

function parse(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      n: { type: 'string' },
      seed: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
}

/** A whole number of the range, or undefined. */
function numberOf(text: string, from: number, to: number): number | undefined {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  return value >= from && value <= to ? value : undefined;
}

/** Exit codes as everywhere: 0 done, 1 error, 2 usage. */
async function main(args: string[]): Promise<number> {
  let options: ReturnType<typeof parse>;
  try {
    options = parse(args);
  } catch (error) {
    return usage((error as Error).message);
  }
  if (options.values.help) {
    process.stdout.write(await help());
    return 0;
  }
  const [name] = options.positionals;
  const torture = name !== undefined && options.positionals.length === 1 ? await loadTorture(name) : undefined;
  if (!torture) return usage(`name one torture: ${tortureNames().join(', ')}`);
  const { each = 1 } = torture;
  const count = numberOf(options.values.n ?? String(torture.rounds * each), 1, maxCount);
  if (count === undefined) return usage(`--n is a number from 1 to ${maxCount}`);
  const rounds = Math.ceil(count / each);
  const seed = numberOf(options.values.seed ?? String(randomInt(maxSeed + 1)), 0, maxSeed);
  if (seed === undefined) return usage(`--seed is a number from 0 to ${maxSeed}`);
  return play(torture, rounds, seed, options.values.json);
}

async function play(torture: Torture, rounds: number, seed: number, json: boolean): Promise<number> {
  const clear = () => process.stderr.isTTY && process.stderr.write('\r\u001b[2K');
  const progress = (done: number) => {
    if (clear()) process.stderr.write(`${torture.name}: ${done} of ${rounds} rounds`);
  };
  try {
    const tried = await runTorture(torture, { seed, rounds, progress });
    clear();
    const counts = Object.entries(tried).map(([what, count]) => `${count.toLocaleString('en-US')} ${what}`);
    process.stdout.write(
      json
        ? `${JSON.stringify({ torture: torture.name, seed, rounds, tried })}\n`
        : `${torture.name}: ${rounds} rounds from seed ${seed}, nothing broke: ${counts.join(', ')}\n`,
    );
    return 0;
  } catch (error) {
    clear();
    if (!(error instanceof FailedRound)) throw error;
    if (json) process.stdout.write(`${JSON.stringify({ torture: torture.name, seed: error.seed, failed: true })}\n`);
    process.stderr.write(`error: ${error.message}\n${(error.cause as Error).stack ?? ''}\n`);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
