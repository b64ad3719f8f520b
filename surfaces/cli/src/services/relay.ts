import {
  type Alerts,
  isAlertKind,
  type Log,
  loadOrCreateKey,
  problems,
  refuseSocket,
  systemClock,
  systemRandom,
} from '@caponier/host';
import { fail, limits as wire } from '@caponier/protocol';
import {
  acceptWebSocket,
  createRelay,
  type MembershipSource,
  openRelayStore,
  type RelayEvent,
  type RelayLog,
  relayCounters,
  relayServerOptions,
  relayTimings,
} from '@caponier/relay';
import { Hono } from 'hono';
import { WebSocketServer } from 'ws';
import { type Following, follow } from './follow.ts';
import type { Composed, ServiceContext } from './process.ts';
import { admissionOf } from './relay-admission.ts';
import { readRelayLimits, relayLimitFlags } from './relay-limits.ts';
import { showNumbers } from './relay-numbers.ts';

/** Variables of the relay's own limits. */
export const relayVariables: readonly string[] = relayLimitFlags.map(({ env }) => env);

const list = (value: unknown): readonly string[] => (Array.isArray(value) ? value : []);

export async function composeRelay(context: ServiceContext): Promise<Composed> {
  const { data, keys, log, signer, metrics, alerts, me, tls, flags, settings } = context;
  const limits = readRelayLimits(list(flags.limit), settings);
  const admission = admissionOf({ ...context, owners: list(flags.allowOwner) });
  // Before anything is open: a key that others can read ends the start here.
  const resume = { current: loadOrCreateKey(keys, 'relay-resume.key', systemRandom) };
  const path = data.file('relay.sqlite');
  const store = await openRelayStore(path);
  const following = await follow(context, 'membership');
  const relay = createRelay({
    store,
    clock: systemClock,
    random: systemRandom,
    signer,
    admission,
    every: (ms, work) => {
      const timer = setInterval(work, ms);
      return () => clearInterval(timer);
    },
    views: dated(following.follower),
    resume,
    // What clients name is what the deployment pins; where TLS ends elsewhere, or is a public one, there is none.
    tls: tls ? me.pin : null,
    limits,
    meter: metrics.meter('relay', relayCounters, relayTimings),
    log: lines(log),
    alert: tell(alerts),
  });
  showNumbers(metrics, { relay, store, path, limits, admission: admission.kind });
  const sockets = new WebSocketServer(relayServerOptions);
  let leaving = false;
  const app = new Hono();
  problems(app, log);
  app.use('/readyz', async (c, next) => (leaving ? c.json({ status: 'leaving' }, 503) : next()));
  app.route('/', relay.app);
  return {
    app,
    onUpgrade(request, socket, head, address) {
      // Before there is a WebSocket: who is turned away costs a line of text.
      const refusal = relay.turnsAway(address);
      if (refusal) {
        const error = fail(refusal.status === 429 ? 'host.rate_limited' : 'host.busy');
        return refuseSocket(socket, error, { 'retry-after': String(refusal.retryAfter) });
      }
      sockets.handleUpgrade(request, socket, head, (ws) => acceptWebSocket(relay, ws, address));
    },
    unready() {
      leaving = true;
    },
    drain: () => relay.close(),
    async close() {
      await following.close();
      await store.close();
    },
  };
}

/** The follower, which says how new the log is, as a source that says whether that is new enough. */
function dated(follower: Following['follower']): MembershipSource {
  return {
    get: (owner) => follower.get(owner),
    onChange: (listener) => follower.onChange(listener),
    isFresh() {
      const { newest, trouble } = follower.status;
      return trouble === null && systemClock() / 1000 - newest <= wire.maxServiceLagSeconds;
    },
  };
}

const kindOf = (event: RelayEvent) => (event === 'relay.storage_failed' ? 'storage' : event.slice('relay.'.length));

/** What an operator should hear of at once is a warning. */
function lines(log: Log): RelayLog {
  const note: RelayLog = (event, fields) => log.event(event, fields);
  const warn: RelayLog = (event, fields) => log.warn(event, fields);
  return (event, fields) => (isAlertKind(kindOf(event)) ? warn : note)(event, fields);
}

/** Every one is counted, and goes to the webhook at its pace, though the log has lines for some only. */
function tell(alerts: Alerts): RelayLog {
  return (event, fields) => {
    const kind = kindOf(event);
    if (isAlertKind(kind)) alerts.raise(kind, fields);
  };
}
