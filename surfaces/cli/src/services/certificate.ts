import {
  type Alerts,
  type CertificateSource,
  type Home,
  type Log,
  type Metrics,
  openCertificate,
  readTlsSettings,
  type Settings,
  systemClock,
  systemRandom,
} from '@caponier/host';
import { fail } from '@caponier/protocol';
import type { Deployment, Listed } from './deployment.ts';

export interface CertificateOptions {
  readonly deployment: Deployment;
  readonly me: Listed;
  /** The address that is bound to. */
  readonly host: string;
  readonly home: Home;
  readonly settings: Settings;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly alerts: Alerts;
}

/**
 * What the listener serves with; undefined for plaintext, on this machine or behind a proxy. A certificate that ends soon, or
 * cannot be made anew, is an alert. Throws as `openCertificate`, and `host.bad_config` where clients pin another key.
 */
export async function certificateOf(options: CertificateOptions): Promise<CertificateSource | undefined> {
  const { deployment, me, host, home, settings, log, metrics, alerts } = options;
  const source = await openCertificate({
    settings: readTlsSettings(settings),
    folder: home.file('tls'),
    selfSignedFor: deployment.tls ? [new URL(me.url).hostname.replace(/^\[|\]$/g, '')] : undefined,
    host,
    log: telling(log, alerts),
    clock: systemClock,
    random: systemRandom,
  });
  if (!source) return undefined;
  // Whoever joined with a code holds us to the key in it.
  if (me.pin !== null && source.pin !== me.pin) {
    throw fail('host.bad_config', 'the deployment pins another key than this certificate has');
  }
  metrics.gauge({
    name: 'certificate_expires_seconds',
    help: 'When the certificate in use ends, in seconds since the epoch.',
    sample: () => source.ends / 1000,
  });
  return source;
}

const alarming = new Set(['certificate.expiring', 'certificate.failed', 'certificate.refused']);

/** The same log, of which some lines are alerts, too. */
function telling(log: Log, alerts: Alerts): Log {
  const tell = (write: Log['warn']): Log['warn'] => {
    return (name, fields) => {
      write(name, fields);
      if (alarming.has(name)) alerts.raise('certificate', fields);
    };
  };
  return {
    event: log.event,
    warn: tell((name, fields) => log.warn(name, fields)),
    error: tell((name, fields) => log.error(name, fields)),
  };
}
