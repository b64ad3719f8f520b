import { fail } from '@caponier/protocol';
import { CommanderError } from 'commander';
import { buildProgram } from './program.ts';
import { reportError } from './terminal/errors.ts';

/** Runs one command line (without node and script) and yields the exit code. Prints every error; throws none. */
export async function main(args: readonly string[]): Promise<number> {
  // Known before anything is parsed, so that an error about the flags comes in the form that was asked for.
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  const json = own.includes('--json');
  try {
    const program = buildProgram();
    await program.parseAsync(args.length > 0 ? [...args] : ['help'], { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportError(error, json);
    // Help and version were printed already.
    if (error.exitCode === 0) return 0;
    return reportError(fail('cli.usage', usageOf(error)), json);
  }
}

/** What was wrong with the command line; `commander.help` is the group that was named without its command. */
function usageOf(error: CommanderError): string {
  return error.code === 'commander.help' ? 'a command is missing' : error.message.replace(/^error: /, '');
}
