import type { CommandSpec, Run } from '../command.ts';
import type { Output } from '../terminal/output.ts';

type Flags = Readonly<Record<string, string | boolean | undefined>>;

/** Flags that every service has; its limits are read from the environment, too. */
export const serviceOptions: readonly (readonly [string, string])[] = [
  ['--host <address>', 'where to listen (default: as the deployment says)'],
  ['--port <n>', 'port to listen on (default: as the deployment says)'],
  ['--deployment <file>', 'what runs where (default: deployment.json in the home)'],
  ['--show-key', 'make the key where there is none, print it, and end'],
  ['--allow-root', 'run as root, where there is no other user'],
  ['--allow-unsafe-public-bind', 'plaintext beyond this machine, for development'],
  ['--max-connections <n>', 'open connections; above it HTTP 503 (10000)'],
  ['--max-connections-per-address <n>', 'open connections of one address (1000)'],
  ['--max-requests-per-minute <n>', 'requests a minute of one address (6000)'],
  ['--request-burst <n>', 'requests of one address at once (1000)'],
  ['--max-body-bytes <n>', 'bytes of one request body (2097152)'],
  ['--max-body-bytes-together <n>', 'bytes of all bodies under way (268435456)'],
  ['--header-seconds <n>', 'seconds for the headers of a request (10)'],
  ['--request-seconds <n>', 'seconds for a whole request (60)'],
];

export const needs = `It needs a deployment.json (keys and addresses of the registry, its witnesses and
this service), makes its key in keys/ and its database in data/ on first use, and
ends on SIGTERM after the requests under way. \`up\` writes all of it.
Each limit has a variable, too: --max-connections is CAPONIER_MAX_CONNECTIONS.`;

function service(
  name: string,
  summary: string,
  start: (flags: Flags, output: Output) => Promise<void>,
  lists: CommandSpec['lists'] = [],
): CommandSpec {
  return {
    usage: name,
    summary,
    about: needs,
    options: serviceOptions,
    lists,
    examples: [`caponier ${name} --port 7100`, `caponier ${name} --show-key`],
    action: ({ options, output }: Run) => start(options as Flags, output),
  };
}

/** The process around a service, and what it runs: loaded together when it starts. */
async function run(name: string, flags: Flags, output: Output, compose: () => Promise<unknown>): Promise<void> {
  const [{ runService }, { serviceNames }] = await Promise.all([
    import('../services/process.ts'),
    import('../services/names.ts'),
  ]);
  const found = serviceNames.find((known) => known.name === name)!;
  await runService(found, flags, output, (await compose()) as Parameters<typeof runService>[3]);
}

export const witness = service('witness', 'Cosign what a registry shows', (flags, output) =>
  run('witness', flags, output, async () => (await import('../services/witness.ts')).composeWitness),
);
export const registry = service('registry', 'Order the statements of owners in a witnessed log', (flags, output) =>
  run('registry', flags, output, async () => (await import('../services/registry.ts')).composeRegistry),
);
export const relay = service(
  'relay',
  'Carry sealed mail and streams between devices',
  (flags, output) => run('relay', flags, output, async () => (await import('../services/relay.ts')).composeRelay),
  [['--limit <name=value>', 'a limit of the relay, such as mailPerMinute=600 (CAPONIER_RELAY_MAIL_PER_MINUTE)']],
);
export const broker = service('broker', 'Give permits for what standing grants cover', (flags, output) =>
  run('broker', flags, output, async () => (await import('../services/broker.ts')).composeBroker),
);
export const gate = service('gate', 'Give permits by policy, budget and approval', (flags, output) =>
  run('gate', flags, output, async () => (await import('../services/gate.ts')).composeGate),
);
export const vault = service('vault', 'Keep secrets, and use them for agents', (flags, output) =>
  run('vault', flags, output, async () => (await import('../services/vault.ts')).composeVault),
);
export const classify = service('classify', 'Say what a text is, and how sensitive', (flags, output) =>
  run('classify', flags, output, async () => (await import('../services/classify.ts')).composeClassify),
);

/** `caponier memory` without a command. */
export const serveMemory = (flags: Flags, output: Output): Promise<void> => {
  const config = flags.class === 'config';
  return run(config ? 'config' : 'memory', flags, output, async () =>
    (await import('../services/memory.ts')).composeMemory(config ? 'config' : 'memory'),
  );
};
