import { parseArgs } from 'node:util';
import { collect, table } from './report.ts';
import { loadSuite, suiteNames } from './suites.ts';

const help = `Usage: npm run -s bench -- <suite> [--json]

Measures our code against the bare library, socket or file, in turns, and prints medians.
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
  const report = collect(process.stderr);
  await suite.run(report);
  report.done();
  const { rows } = report;
  process.stdout.write(
    options.values.json ? `${JSON.stringify({ suite: suite.name, rows })}\n` : `${table(suite.name, rows)}\n`,
  );
  return 0;
}

function parse(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
  });
}

process.exitCode = await main(process.argv.slice(2));
