import { defineLimit, type Limit, loadOrCreateKey, readLimit, systemClock, systemRandom } from '@caponier/host';
import { fail } from '@caponier/protocol';
import {
  acceptWebSocket,
  createRelay,
  openRelayStore,
  type RelayLimits,
  relayLimitsWith,
  relayLimitTable,
  relayServerOptions,
} from '@caponier/relay';
import { WebSocketServer } from 'ws';
import { follow } from './follow.ts';
import type { Composed, ServiceContext } from './process.ts';

const words = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Every limit of the relay by name, flag and variable, with its sentence. */
export const relayLimitFlags: readonly Limit[] = Object.entries(relayLimitTable).map(([name, limit]) =>
  defineLimit({
    ...limit,
    name,
    flag: `--limit-${words(name)}`,
    env: `CAPONIER_RELAY_${words(name).replaceAll('-', '_').toUpperCase()}`,
  }),
);

/** From `--limit name=value`, the environment, the defaults. Throws `host.bad_config`. */
function limitsOf({ given, settings }: ServiceContext): RelayLimits {
  const flags: Record<string, string> = {};
  for (const text of given) {
    const [name, value = ''] = text.split('=');
    const limit = relayLimitFlags.find((known) => known.name === name);
    if (!limit) throw fail('host.bad_config', `--limit: there is no ${name}`);
    flags[limit.flag] = value;
  }
  const read = relayLimitFlags.map((limit) => ({ limit, value: readLimit(limit, { ...settings, flags }) }));
  // What nobody said follows what somebody did, where one limit bounds another.
  const said = read.filter(({ limit, value }) => value !== limit.default);
  return relayLimitsWith(Object.fromEntries(said.map(({ limit, value }) => [limit.name, value])));
}

export async function composeRelay(context: ServiceContext): Promise<Composed> {
  const { deployment, data, keys, log, signer } = context;
  const store = await openRelayStore(data.file('relay.sqlite'));
  const following = await follow(context, 'membership');
  const limits = limitsOf(context);
  const relay = createRelay({
    store,
    clock: systemClock,
    random: systemRandom,
    signer,
    admission: deployment.admission === 'open' ? { kind: 'open' } : { kind: 'ticket', operators: deployment.operators },
    every: (ms, work) => {
      const timer = setInterval(work, ms);
      return () => clearInterval(timer);
    },
    views: following.follower,
    resume: { current: loadOrCreateKey(keys, 'relay-resume.key', systemRandom) },
    limits,
    log: (event, fields) => log.event(event, fields),
  });
  const sockets = new WebSocketServer(relayServerOptions);
  return {
    app: relay.app,
    onUpgrade: (request, socket, head, address) =>
      sockets.handleUpgrade(request, socket, head, (ws) => acceptWebSocket(relay, ws, address)),
    drain: () => relay.close(),
    async close() {
      await following.close();
      await store.close();
    },
  };
}
