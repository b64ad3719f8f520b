import { systemClock } from '@caponier/host/home';
import type { Run } from '../command.ts';
import type { Output } from '../terminal/output.ts';
import { type Numbers, readNumbers } from './numbers.ts';

/** Rows of refusals and of limits that a person is shown; the rest is one line. */
const mostRows = 8;
const daySeconds = 86_400;
/** Share of a limit from which on it is shown as nearly reached. */
const nearly = 0.8;

/** How much there is of something, and how much there may be. */
interface Level {
  readonly now: number | null;
  readonly most: number | null;
}

export interface RelayStatus {
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly admission: string;
  readonly connections: Level;
  readonly strangers: Level;
  readonly meetings: Level;
  readonly owners: Level;
  /** Devices that may hold mail here, and of them those that are connected. */
  readonly devices: { readonly known: number | null; readonly connected: number | null };
  readonly streams: number | null;
  readonly bufferedBytes: Level;
  readonly mail: { readonly waiting: number | null; readonly bytes: number | null };
  readonly storageBytes: Level;
  /** Seconds since the epoch; null where TLS ends elsewhere. */
  readonly certificateEnds: number | null;
  /** Since the start, by code, limit and kind; what never happened is left out. */
  readonly refused: Readonly<Record<string, number>>;
  readonly cut: Readonly<Record<string, number>>;
  readonly limitHits: Readonly<Record<string, number>>;
  readonly alerts: Readonly<Record<string, number>>;
  readonly alertsWaiting: number | null;
  /** Seconds. */
  readonly latency: Readonly<
    Record<string, { readonly count: number; readonly p50: number | null; readonly p99: number | null }>
  >;
}

export function statusFrom(numbers: Numbers): RelayStatus {
  const one = (name: string) => numbers.one(`caponier_${name}`) ?? null;
  const level = (name: string): Level => ({ now: one(`relay_${name}`), most: one(`relay_${name}_max`) });
  const counts = (name: string, label: string) => Object.fromEntries(numbers.counts(`caponier_${name}_total`, label));
  const timed = ['hello', 'mail', 'open'].map((name) => {
    const metric = `caponier_relay_${name}_seconds`;
    const share = (of: number) => numbers.quantile(metric, of) ?? null;
    return [name, { count: numbers.count(metric), p50: share(0.5), p99: share(0.99) }] as const;
  });
  return {
    version: numbers.label('caponier_info', 'version'),
    uptimeSeconds: one('relay_uptime_seconds') ?? 0,
    admission: numbers.label('caponier_relay_admission', 'mode'),
    connections: level('connections'),
    strangers: level('strangers'),
    meetings: level('meetings'),
    owners: level('owners'),
    devices: { known: one('relay_devices'), connected: one('relay_devices_connected') },
    streams: one('relay_streams'),
    bufferedBytes: { now: one('relay_buffered_bytes'), most: one('relay_buffered_max_bytes') },
    mail: { waiting: one('relay_mail_waiting'), bytes: one('relay_mail_waiting_bytes') },
    storageBytes: { now: one('relay_storage_bytes'), most: one('relay_storage_max_bytes') },
    certificateEnds: one('certificate_expires_seconds'),
    refused: counts('relay_connections_refused', 'code'),
    cut: counts('relay_connections_cut', 'code'),
    limitHits: { ...counts('listener_limit_hits', 'limit'), ...counts('relay_limit_hits', 'limit') },
    alerts: counts('alerts_raised', 'kind'),
    alertsWaiting: one('alerts_waiting'),
    latency: Object.fromEntries(timed),
  };
}

export async function showRelayStatus({ options, output }: Run): Promise<void> {
  const status = statusFrom(await readNumbers(options.metricsPort));
  output.document(status);
  show(status, output);
}

function show(status: RelayStatus, output: Output): void {
  const heading = (text: string) => {
    output.line();
    output.line(output.style('bold', text));
  };
  output.line(
    `${output.style('bold', 'relay')} ${status.version}, up ${span(status.uptimeSeconds)}, admission ${status.admission}`,
  );
  heading('Carries');
  output.table([
    ['connections', levelText(status.connections, whole)],
    ['strangers', levelText(status.strangers, whole)],
    ['meetings', levelText(status.meetings, whole)],
    ['streams', orUnknown(status.streams, whole)],
    ['unread', levelText(status.bufferedBytes, bytes)],
    ['owners', levelText(status.owners, whole)],
    ['devices', `${orUnknown(status.devices.known, whole)}, ${orUnknown(status.devices.connected, whole)} connected`],
    ['mail waiting', `${orUnknown(status.mail.waiting, whole)}, ${orUnknown(status.mail.bytes, bytes)}`],
    ['storage', levelText(status.storageBytes, bytes)],
    ['certificate', certificate(status.certificateEnds)],
  ]);
  heading('Latency');
  output.table(
    Object.entries(status.latency).map(([name, { count, p50, p99 }]) => [
      name,
      count === 0 ? 'none yet' : `p50 ${milliseconds(p50)}  p99 ${milliseconds(p99)}  of ${whole(count)}`,
    ]),
  );
  for (const [title, counts] of [
    ['Refused', status.refused],
    ['Cut', status.cut],
    ['Limits that bit', status.limitHits],
    ['Alerts', status.alerts],
  ] as const) {
    heading(title);
    output.table(rowsOf(counts));
  }
  if (status.alertsWaiting) output.warning(`${status.alertsWaiting} alerts wait for the webhook to take them.`);
}

function rowsOf(counts: Readonly<Record<string, number>>): string[][] {
  const all = Object.entries(counts).sort((a, b) => b[1] - a[1]);
  if (all.length === 0) return [['none']];
  const rest = all.slice(mostRows).reduce((sum, [, count]) => sum + count, 0);
  const rows = all.slice(0, mostRows).map(([name, count]) => [name, whole(count)]);
  return rest > 0 ? [...rows, ['others', whole(rest)]] : rows;
}

const whole = (n: number) => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ' ');
const orUnknown = (n: number | null, text: (n: number) => string) => (n === null ? 'unknown' : text(n));

function levelText({ now, most }: Level, text: (n: number) => string): string {
  const shown = `${orUnknown(now, text)} of ${orUnknown(most, text)}`;
  return now !== null && most !== null && now >= most * nearly ? `${shown}, nearly full` : shown;
}

function bytes(n: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = n < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(n) / 10));
  const value = n / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

function milliseconds(seconds: number | null): string {
  if (seconds === null) return 'over 10 s';
  const ms = seconds * 1000;
  return `${ms >= 100 ? Math.round(ms) : ms.toFixed(1)} ms`;
}

function span(seconds: number): string {
  const days = Math.floor(seconds / daySeconds);
  const hours = Math.floor((seconds % daySeconds) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min` : `${Math.floor(seconds)} s`;
}

function certificate(ends: number | null): string {
  if (ends === null) return 'none: plaintext, on this machine or behind a proxy';
  const left = Math.floor((ends - systemClock() / 1000) / daySeconds);
  const date = new Date(ends * 1000).toISOString().slice(0, 10);
  return left < 0 ? `ENDED ${date}` : `good until ${date}, ${left} days`;
}
