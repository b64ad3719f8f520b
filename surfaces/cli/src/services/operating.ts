import {
  type Alerts,
  createAlerts,
  createMetrics,
  exportMetrics,
  type Home,
  type ListenerHit,
  type Log,
  listenerHits,
  type Metrics,
  type MetricsListener,
  readWebhook,
  type Settings,
  serveMetrics,
  systemClock,
  systemRandom,
} from '@caponier/host';
import { entryOf } from '@caponier/protocol';
import { version } from '../version.ts';
import { serviceNames } from './names.ts';
import { numberOf, saidOf, textOf } from './settings.ts';

/** Name of the socket below `run/` on which a service shows its numbers to its own user. */
export const metricsSocket = (name: string): string => `${name}.sock`;

/** What whoever runs a service looks at: numbers, and alerts. */
export interface Operating {
  readonly metrics: Metrics;
  readonly alerts: Alerts;
  readonly onLimit: (name: ListenerHit) => void;
  close(): Promise<void>;
}

export interface OperatingOptions {
  readonly name: string;
  readonly home: Home;
  readonly data: Home;
  readonly settings: Settings;
  readonly log: Log;
}

/** Throws `host.bad_config`, `host.loose_permissions`, `host.public_metrics`. */
export async function operate({ name, home, data, settings, log }: OperatingOptions): Promise<Operating> {
  const webhook = readWebhook({
    url: textOf(settings, '--alert-webhook'),
    secretFile: textOf(settings, '--alert-webhook-secret-file'),
    allowLoopback: saidOf(settings, '--alert-webhook-allow-loopback'),
  });
  const port = numberOf(settings, '--metrics-port', 0, 65_535);
  const host = textOf(settings, '--metrics-host') ?? '127.0.0.1';
  const metrics = createMetrics({ service: name, version });
  const hits = metrics.meter(
    'listener',
    { limit_hits: { label: 'limit', values: listenerHits, help: 'Times that a limit of the listener bit.' } },
    {},
  );
  const open: { close(): unknown }[] = [];
  const close = async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  };
  try {
    if (port !== undefined) {
      const listener = await serveMetrics(metrics, { host, port: port === 0 ? 0 : port + placeOf(name) });
      open.push(listener);
      log.event('metrics.open', { port: listener.port });
    }
    const socket = await onSocket(metrics, home, name, log);
    if (socket) open.push(socket);
    const alerts = createAlerts({
      service: name,
      webhook,
      home: data,
      clock: systemClock,
      random: systemRandom,
      log,
      metrics,
    });
    open.push(alerts);
    const endpoint = textOf(settings, '--otlp-endpoint');
    if (endpoint !== undefined) {
      open.push({ close: exportMetrics({ metrics, service: name, version, endpoint, clock: systemClock, log }) });
    }
    return { metrics, alerts, onLimit: (limit) => hits.add('limit_hits', limit), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** All services of a home share one environment: there the port is the first one's, and each further one has the next. */
function placeOf(name: string): number {
  return process.send
    ? Math.max(
        0,
        serviceNames.findIndex((known) => known.name === name),
      )
    : 0;
}

/**
 * For `relay status` of the same user, without a port, and for the health check of a container. A socket that cannot be had (a
 * long path) costs these two and no more.
 */
async function onSocket(metrics: Metrics, home: Home, name: string, log: Log): Promise<MetricsListener | undefined> {
  const run = home.folder('run');
  try {
    // Left behind by a process that was killed: the lock that we hold says that it is nobody's.
    run.remove(metricsSocket(name));
    return await serveMetrics(metrics, { path: run.file(metricsSocket(name)) });
  } catch (error) {
    log.warn('metrics.no_socket', { code: entryOf(error).code });
    return undefined;
  }
}
