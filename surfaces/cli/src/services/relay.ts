import {
  addressKey,
  defineLimit,
  type Limit,
  loadOrCreateKey,
  readLimit,
  systemClock,
  systemRandom,
} from '@caponier/host';
import { fail } from '@caponier/protocol';
import {
  acceptWebSocket,
  createRelay,
  openRelayStore,
  type RelayLimits,
  relayLimits,
  relayServerOptions,
} from '@caponier/relay';
import { WebSocketServer } from 'ws';
import { follow } from './follow.ts';
import type { Composed, ServiceContext } from './process.ts';

/** Where a limit has no upper sense of its own: far above what one machine holds. */
const most = 2 ** 40;
const words = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Every limit of the relay by name and variable; their sentences stand in the relay's own `limits.ts`. */
export const relayLimitFlags: readonly Limit[] = Object.entries(relayLimits).map(([name, value]) =>
  defineLimit({
    name,
    default: value as number,
    min: 1,
    max: most,
    flag: `--limit-${words(name)}`,
    env: `CAPONIER_RELAY_${words(name).replaceAll('-', '_').toUpperCase()}`,
    doc: `${words(name).replaceAll('-', ' ')} of the relay`,
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
  const read = relayLimitFlags.map((limit) => [limit.name, readLimit(limit, { ...settings, flags })]);
  return Object.fromEntries(read) as unknown as RelayLimits;
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
    onUpgrade: (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (ws) =>
        acceptWebSocket(relay, ws, addressKey(request.socket.remoteAddress)),
      ),
    drain: () => relay.close(),
    async close() {
      await following.close();
      await store.close();
    },
  };
}
