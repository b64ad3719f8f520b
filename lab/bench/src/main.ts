import { parseArgs } from 'node:util';
import { defaultRounds } from './measure.ts';
import { collect, table } from './report.ts';
import { loadSuite, suiteNames } from './suites.ts';

const help = `Usage: npm run -s bench -- <suite> [--json] [--rounds N] [--only row,row]

Measures our code against the bare library, socket or file, in turns, and prints medians.
Rounds: 1 to 1000, ${defaultRounds} unless given; fewer are quicker and less certain.
With --only a suite whose rows take long (relay) measures these alone.
Suites: ${suiteNames().join(', ')}

Example: npm run -s bench -- crypto --json
`;

/** Exit codes as everywhere: 0 done, 1 error, 2 usage. */
async function main(args: string[]): Promise<number> {
  let options: ReturnType<typeof parse>;
  try {
    options = parse(args);
  } catch (error) {
    process.stderr.write(`error: ${(error as Error).message}\nhint: npm run -s bench -- --help\n`);
    return 2;
  }
  if (options.values.help) {
    process.stdout.write(help);
    return 0;
  }
  const [name] = options.positionals;
  const suite = name !== undefined && options.positionals.length === 1 ? await loadSuite(name) : undefined;
  if (!suite) {
    process.stderr.write(`error: name one suite: ${suiteNames().join(', ')}\nhint: npm run -s bench -- --help\n`);
    return 2;
  }
  const rounds = Number(options.values.rounds);
  if (!/^\d{1,4}$/.test(options.values.rounds) || rounds < 1 || rounds > 1000) {
    process.stderr.write('error: --rounds is a number from 1 to 1000\nhint: npm run -s bench -- --help\n');
    return 2;
  }
  const only = options.values.only?.split(',') ?? [];
  const report = collect(process.stderr, rounds, only);
  await suite.run(report);
  report.done();
  const rows = report.rows.filter(({ name: row }) => report.wants(row));
  if (rows.length === 0) {
    process.stderr.write(
      `error: ${suite.name} has no row ${only.join(', ')}\nhint: leave --only out to see all rows\n`,
    );
    return 2;
  }
  process.stdout.write(
    options.values.json ? `${JSON.stringify({ suite: suite.name, rows })}\n` : `${table(suite.name, rows)}\n`,
  );
  return 0;
}

function parse(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      only: { type: 'string' },
      rounds: { type: 'string', default: String(defaultRounds) },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
}

process.exitCode = await main(process.argv.slice(2));
