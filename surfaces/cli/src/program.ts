import { Command } from 'commander';
import { type CommandSpec, commandOf } from './command.ts';
import { add } from './commands/add.ts';
import { approver } from './commands/approver.ts';
import { asks } from './commands/asks.ts';
import { block, unblock } from './commands/block.ts';
import { daemon } from './commands/daemon.ts';
import { device } from './commands/device.ts';
import { doctor } from './commands/doctor.ts';
import { down } from './commands/down.ts';
import { freeze } from './commands/freeze.ts';
import { grant } from './commands/grant.ts';
import { join } from './commands/join.ts';
import { listen } from './commands/listen.ts';
import { log } from './commands/log.ts';
import { mcp } from './commands/mcp.ts';
import { memory } from './commands/memory.ts';
import { policy } from './commands/policy.ts';
import { recover } from './commands/recover.ts';
import { relay } from './commands/relay.ts';
import { root } from './commands/root.ts';
import { run } from './commands/run.ts';
import { secret } from './commands/secret.ts';
import { send } from './commands/send.ts';
import { broker, classify, gate, registry, vault, witness } from './commands/services.ts';
import { shell } from './commands/shell.ts';
import { status } from './commands/status.ts';
import { supervise } from './commands/supervise.ts';
import { thaw } from './commands/thaw.ts';
import { trust } from './commands/trust.ts';
import { up } from './commands/up.ts';
import { verify } from './commands/verify.ts';
import { version } from './version.ts';

/** What `--help` shows: enough for the first minute, every day, and the bad day. */
const verbs: readonly CommandSpec[] = [up, add, join, status, shell, run, send, secret, asks, freeze, log, verify];

const more: readonly CommandSpec[] = [
  down,
  grant,
  thaw,
  recover,
  device,
  approver,
  root,
  listen,
  block,
  unblock,
  memory,
  policy,
  trust,
  doctor,
  mcp,
  daemon,
];

/** Each starts one service alone; `up` starts them all. */
const services: readonly CommandSpec[] = [relay, registry, witness, broker, gate, vault, classify];

export const commandSpecs: readonly CommandSpec[] = [...verbs, ...more, ...services, supervise];

const head = `Your agents reach each other, your machines and your secrets,
with nothing in the middle that has to be believed.

Usage: caponier <command> [flags]
`;

function section(specs: readonly CommandSpec[]): string {
  const rows = specs.map(({ usage, summary }) => `  ${(usage.split(' ')[0] ?? '').padEnd(10)}${summary}`);
  return rows.join('\n');
}

function shortHelp(): string {
  return `${head}
${section(verbs)}

The rest:      caponier help all
One command:   caponier <command> --help
State:         ${'CAPONIER_HOME'} (default ~/.caponier)
`;
}

function longHelp(): string {
  return `${head}
${section(verbs)}

More:
${section(more)}

One service alone (\`up\` starts them all; \`memory\` without a command is one, too):
${section(services)}

Every command has --json, and --help with an example.
Exit codes: 0 done, 1 error, 2 usage, 3 network, 4 no session, 5 refused.
`;
}

export function buildProgram(): Command {
  const program = new Command('caponier');
  program.enablePositionalOptions().exitOverride().showSuggestionAfterError().helpCommand(false);
  program.configureOutput({ writeErr: () => {} });
  program.helpInformation = shortHelp;
  program.helpOption('--help', 'show this help').version(version, '--version', 'print the version');
  for (const spec of commandSpecs) program.addCommand(commandOf(spec));
  program.addCommand(
    commandOf({
      usage: 'help [command]',
      summary: 'Show all commands, or the help of one',
      examples: ['caponier help all', 'caponier help shell'],
      action: async ({ args: [topic], output }) => {
        const named = program.commands.find((command) => command.name() === topic);
        if (named) return named.outputHelp();
        output.line((topic === undefined ? shortHelp() : longHelp()).trimEnd());
        output.document({ commands: commandSpecs.map(({ usage, summary }) => ({ usage, summary })) });
      },
    }),
  );
  return program;
}
