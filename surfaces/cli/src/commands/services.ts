import type { CommandSpec, Run } from '../command.ts';
import { serviceOptions } from '../services/flags.ts';
import type { Output } from '../terminal/output.ts';

type Flags = Readonly<Record<string, string | boolean | undefined>>;

export const needs = `It needs a deployment.json (keys and addresses of the registry, its witnesses and
this service), makes its key in keys/ and its database in data/ on first use, and
ends on SIGTERM after the requests under way. \`up\` writes all of it.
Each limit has a variable, too: --max-connections is CAPONIER_MAX_CONNECTIONS.`;

function service(name: string, summary: string, start: (flags: Flags, output: Output) => Promise<void>): CommandSpec {
  return {
    usage: name,
    summary,
    about: needs,
    options: serviceOptions,
    examples: [`caponier ${name} --port 7100`, `caponier ${name} --show-key`],
    action: ({ options, output }: Run) => start(options as Flags, output),
  };
}

/** The process around a service, and what it runs: loaded together when it starts. */
export async function run(
  name: string,
  flags: Flags,
  output: Output,
  compose: () => Promise<unknown>,
  variables?: readonly string[],
): Promise<void> {
  const [{ runService }, { serviceNames }] = await Promise.all([
    import('../services/process.ts'),
    import('../services/names.ts'),
  ]);
  const found = serviceNames.find((known) => known.name === name)!;
  await runService(found, flags, output, (await compose()) as Parameters<typeof runService>[3], variables);
}

export const witness = service('witness', 'Cosign what a registry shows', (flags, output) =>
  run('witness', flags, output, async () => (await import('../services/witness.ts')).composeWitness),
);
export const registry = service('registry', 'Order the statements of owners in a witnessed log', (flags, output) =>
  run('registry', flags, output, async () => (await import('../services/registry.ts')).composeRegistry),
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
