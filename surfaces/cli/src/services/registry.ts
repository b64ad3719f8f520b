import { systemClock, systemRandom } from '@caponier/host/home';
import { entryOf, fail } from '@caponier/protocol';
import { createRegistry, httpWitness, openRegistryStore, type Registry } from '@caponier/registry';
import { fetchOver } from '@caponier/sdk/net';
import { formatVkey, witnessKey } from '@caponier/tlog';
import type { Deployment } from './deployment.ts';
import type { Composed, ServiceContext } from './process.ts';

/** Milliseconds for the witnesses to come up beside us. */
const witnessWaitMs = 15_000;
const lookMs = 50;

export async function composeRegistry(context: ServiceContext): Promise<Composed> {
  const { deployment, data, log, signer } = context;
  const witnesses = witnessesOf(context);
  const admission =
    deployment.admission === 'open'
      ? { mode: 'open' as const }
      : { mode: 'ticket' as const, operators: deployment.operators };
  const services = deployment.services.filter(({ role }) => writers.has(role)).map(({ key }) => key);
  const start = async () =>
    createRegistry({
      store: await openRegistryStore(data.file('registry.sqlite')),
      clock: systemClock,
      random: systemRandom,
      signer,
      origin: deployment.origin,
      witnesses,
      k: deployment.k,
      admission,
      services,
      onHalt: (error) => {
        log.error('log.halted', { code: entryOf(error).code });
        // Nothing more is signed; whoever looks after us sees an end and its reason, not a silence.
        process.exitCode = entryOf(error).exit;
        process.kill(process.pid, 'SIGTERM');
      },
    });
  await untilWitnessed(deployment, witnesses);
  const registry: Registry = await start();
  return { app: registry.app, drain: () => registry.drain(), close: () => registry.close() };
}

/** Who adds leaves to `events`. */
const writers = new Set(['broker', 'gate', 'worker']);

function witnessesOf({ deployment, transport }: ServiceContext) {
  return deployment.witnesses.map(({ name, key }) => {
    const listed = deployment.services.find((service) => service.role === 'witness' && service.key === key);
    if (!listed) throw fail('host.bad_config', `no address of the witness ${name}`);
    const vkey = formatVkey(witnessKey(name, key));
    return httpWitness({ url: listed.url, vkey, fetch: fetchOver(transport, listed.pin) });
  });
}

/** All services start at once; a registry asks its witnesses first whether they have seen more of it than it has. */
async function untilWitnessed(deployment: Deployment, witnesses: ReturnType<typeof witnessesOf>): Promise<void> {
  const end = systemClock() + witnessWaitMs;
  for (;;) {
    const heads = await Promise.allSettled(witnesses.map((witness) => witness.head(`${deployment.origin}/owners`)));
    if (heads.filter(({ status }) => status === 'fulfilled').length >= deployment.k || systemClock() > end) return;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
