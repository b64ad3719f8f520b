import { statSync } from 'node:fs';
import { type Metrics, systemClock } from '@caponier/host';
import { type Relay, type RelayLimits, type RelayStore, relayStoreBytes } from '@caponier/relay';

/** Milliseconds for which numbers of the store are good: looking at them costs a row for each device. */
const figuresMs = 5_000;

export interface Numbered {
  readonly relay: Relay;
  readonly store: RelayStore;
  /** Path of the database. */
  readonly path: string;
  readonly limits: RelayLimits;
  readonly admission: string;
}

/** How full the relay is, each with what it may be: read when somebody asks. */
export function showNumbers(metrics: Metrics, { relay, store, path, limits, admission }: Numbered): void {
  const started = systemClock();
  const gauge = (name: string, help: string, sample: () => number | undefined | Promise<number | undefined>) =>
    metrics.gauge({ name: `relay_${name}`, help, sample });
  gauge('uptime_seconds', 'Since the start.', () => (systemClock() - started) / 1000);
  gauge('connections', 'Open connections.', () => relay.counts().connections);
  gauge('connections_max', 'The limit on them.', () => limits.connections);
  gauge('strangers', 'Of the connections, those that have not proven a device.', () => relay.counts().strangers);
  gauge('strangers_max', 'The limit on them.', () => limits.strangers);
  gauge('proving', 'Proofs of unknown devices under way.', () => relay.counts().proving);
  gauge('devices_connected', 'Devices that are connected.', () => relay.counts().devices);
  gauge('streams', 'Open streams.', () => relay.counts().streams);
  gauge('buffered_bytes', 'Bytes that wait for peers to read them.', () => relay.counts().bufferedBytes);
  gauge('buffered_max_bytes', 'The limit on them.', () => limits.bufferedBytesTogether);
  gauge('meetings', 'Meetings under way.', () => relay.counts().meetings);
  gauge('meetings_max', 'The limit on them.', () => limits.meetings);

  let at = Number.NEGATIVE_INFINITY;
  let known: ReturnType<typeof store.read<'figures'>> | undefined;
  const figures = () => {
    const now = systemClock();
    if (!known || now - at > figuresMs) {
      at = now;
      known = store.read('figures');
    }
    return known;
  };
  gauge('owners', 'Owners that were admitted.', async () => (await figures()).owners);
  gauge('owners_max', 'The limit on them.', () => limits.owners);
  gauge('devices', 'Devices that may hold mail here.', async () => (await figures()).devices);
  gauge('mail_waiting', 'Messages that wait for their recipients.', async () => (await figures()).mails);
  gauge('mail_waiting_bytes', 'Bytes of their bodies.', async () => (await figures()).mailBytes);
  gauge('storage_bytes', 'Bytes of the database on disk.', () => bytesOf(path));
  gauge('storage_max_bytes', 'The limit on them.', () => relayStoreBytes);
  metrics.constants('relay_limit', 'Limits of the relay that are in force, by name.', 'limit', limits);
  metrics.info('relay_admission', 'Whom the relay takes.', { mode: admission });
}

/** The database and its log of writes. */
function bytesOf(path: string): number {
  return [path, `${path}-wal`].reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
}
