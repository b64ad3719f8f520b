import {
  addressKey,
  defineLimit,
  type Limit,
  loadOrCreateKey,
  readLimit,
  systemClock,
  systemRandom,
} from '@caponier/host';
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

/** A reading reference: where a limit has no upper sense of its own, this is far above what one machine holds. */
const most = 2 ** 40;
const words = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Every limit of the relay as a flag and a variable; their sentences stand in the relay's own `limits.ts`. */
export const relayLimitFlags: readonly Limit[] = Object.entries(relayLimits).map(([name, value]) =>
  defineLimit({
    name,
    default: value as number,
    min: 1,
    max: most,
    flag: `--relay-${words(name)}`,
    env: `CAPONIER_RELAY_${words(name).replaceAll('-', '_').toUpperCase()}`,
    doc: `${words(name).replaceAll('-', ' ')} of the relay`,
  }),
);

export async function composeRelay(context: ServiceContext): Promise<Composed> {
  const { deployment, data, keys, log, signer, settings } = context;
  const store = await openRelayStore(data.file('relay.sqlite'));
  const following = await follow(context, 'membership');
  const limits = Object.fromEntries(
    relayLimitFlags.map((limit) => [limit.name, readLimit(limit, settings)]),
  ) as unknown as RelayLimits;
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
