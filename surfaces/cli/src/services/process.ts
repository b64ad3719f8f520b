import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import {
  type Alerts,
  countRequests,
  createLog,
  fileSigner,
  type Home,
  homePath,
  type Log,
  type Metrics,
  type OnUpgrade,
  openHome,
  parseNetworks,
  readListenerLimits,
  refuseNobody,
  refusePublicPlaintext,
  refuseRoot,
  type Settings,
  serve,
  systemClock,
  systemRandom,
} from '@caponier/host';
import { fail, type Signer } from '@caponier/protocol';
import { createTransport, type Transport } from '@caponier/sdk/net';
import type { Hono } from 'hono';
import { hereHome } from '../home/context.ts';
import type { Output } from '../terminal/output.ts';
import { certificateOf } from './certificate.ts';
import {
  type Deployment,
  deploymentFile,
  type Listed,
  parseDeployment,
  readDeployment,
  serviceOf,
} from './deployment.ts';
import { readEnding, requestsMs } from './ending.ts';
import { refuseUnknownVariables } from './environment.ts';
import type { ServiceName } from './names.ts';
import { operate } from './operating.ts';
import { numberOf, saidOf, settingsOf, textOf } from './settings.ts';
import { endAtOnce, pause, untilAsked } from './signals.ts';

/** What a service is composed from. */
export interface ServiceContext {
  readonly deployment: Deployment;
  readonly me: Listed;
  readonly signer: Signer;
  /** Its own folder below `data/`. */
  readonly data: Home;
  /** The folder of keys: for a key beside the one that signs. */
  readonly keys: Home;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly alerts: Alerts;
  readonly transport: Transport;
  /** The address that is bound to. */
  readonly host: string;
  /** Whether TLS ends here. */
  readonly tls: boolean;
  /** What was typed: for flags that may stand several times. */
  readonly flags: ServiceFlags;
  readonly settings: Settings;
}

/** A service that is ready to be listened for. */
export interface Composed {
  readonly app: Hono;
  readonly onUpgrade?: OnUpgrade;
  /** Says 503 on /readyz from now on, and serves everybody all the same. */
  readonly unready?: () => void;
  /** Ends streams and WebSockets, which do not end by themselves. */
  readonly drain?: () => void;
  /** After the last request: closes stores. */
  close(): Promise<void>;
}

export interface ServiceFlags {
  readonly deployment?: string;
  readonly showKey?: boolean;
  readonly [flag: string]: unknown;
}

/** Makes nothing: a service without a deployment leaves no trace. */
async function findDeployment(file: string | undefined): Promise<Deployment> {
  const path = homePath(process.env);
  if (file === undefined) {
    const here = existsSync(path) ? readDeployment(openHome(path)) : undefined;
    if (here) return here;
    throw fail('host.bad_config', `no ${deploymentFile} in ${path}: give --deployment, or run \`caponier up\``);
  }
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw fail('host.bad_config', `${file} cannot be read`, cause);
  });
  return parseDeployment(text, file);
}

function portOf(settings: Settings, me: Listed): number {
  const { port, protocol } = new URL(me.url);
  return numberOf(settings, '--port', 0, 65_535) ?? (Number(port) || (protocol === 'https:' ? 443 : 80));
}

/**
 * One service as a process: key, deployment, listener, numbers and alerts, drain on SIGTERM. Tells its supervisor over IPC
 * when it is ready, or a person on standard output. Resolves when it has ended. `variables`: those of its own limits.
 */
export async function runService(
  name: ServiceName,
  flags: ServiceFlags,
  output: Output,
  compose: (context: ServiceContext) => Promise<Composed>,
  variables: readonly string[] | null = null,
): Promise<void> {
  const settings = settingsOf(flags, process.env);
  refuseUnknownVariables(process.env, variables);
  const allowRoot = saidOf(settings, '--allow-root');
  refuseRoot({ allowRoot });
  if (flags.showKey) return showKey(name, output);
  const deployment = await findDeployment(textOf(settings, '--deployment'));
  const closers: (() => unknown)[] = [];
  try {
    await serveUntilAsked({ name, output, compose, deployment, allowRoot, settings, flags, closers });
  } finally {
    // In the end as after a start that failed: what is still open would keep the process alive.
    for (const close of closers.reverse()) await close();
    if (process.connected) process.disconnect();
  }
}

interface ServiceStart {
  readonly name: ServiceName;
  readonly output: Output;
  readonly compose: (context: ServiceContext) => Promise<Composed>;
  readonly deployment: Deployment;
  readonly allowRoot: boolean;
  readonly settings: Settings;
  readonly flags: ServiceFlags;
  /** What to do when it is over, last first. */
  readonly closers: (() => unknown)[];
}

async function serveUntilAsked(start: ServiceStart): Promise<void> {
  const { name, output, compose, deployment, allowRoot, settings, flags, closers } = start;
  const me = serviceOf(deployment, name.role, name.class);
  const limits = readListenerLimits(settings);
  const port = portOf(settings, me);
  const trusted = parseNetworks(textOf(settings, '--trust-proxy') ?? '');
  const proxyProtocol = saidOf(settings, '--proxy-protocol');
  refuseNobody({ trusted, proxyProtocol });
  const allowUnsafePublicBind = saidOf(settings, '--allow-unsafe-public-bind');
  const { drainMs } = readEnding(settings);
  const home = hereHome();
  const keys = home.folder('keys');
  const signer = fileSigner(keys, keyFile(name), systemRandom);
  if (me.key !== signer.did) throw fail('host.bad_config', `${deploymentFile} names another key for ${name.name}`);
  const host = textOf(settings, '--host') ?? deployment.host;
  const lock = home.lock(name.name);
  closers.push(() => lock.release());
  const log = createLog({ service: name.name, clock: systemClock });
  const data = home.folder('data').folder(name.name);
  const operating = await operate({ name: name.name, home, data, settings, log });
  closers.push(() => operating.close());
  const { metrics, alerts, onLimit } = operating;
  metrics.constants('listener_limit', 'Limits of the listener that are in force, by name.', 'limit', limits);
  const certificate = await certificateOf({ deployment, me, host, home, settings, log, metrics, alerts });
  closers.push(() => certificate?.close());
  refusePublicPlaintext({ host, tls: certificate, allowUnsafePublicBind });
  const transport = createTransport();
  closers.push(() => transport.close());
  const tls = certificate !== undefined;
  const context = { deployment, me, signer, data, keys, log, metrics, alerts, transport, host, tls, flags, settings };
  const composed = await compose(context);
  closers.push(() => composed.close());
  let drained = false;
  const drain = () => {
    if (!drained) composed.drain?.();
    drained = true;
  };
  closers.push(drain);
  const listener = await serve(countRequests(composed.app, metrics), {
    host,
    port,
    limits,
    log,
    clock: systemClock,
    allowRoot,
    allowUnsafePublicBind,
    proxyProtocol,
    trusted,
    onLimit,
    ...(certificate && { tls: certificate }),
    ...(composed.onUpgrade && { onUpgrade: composed.onUpgrade }),
  });
  closers.push(() => listener.close(requestsMs));
  metrics.gauge({
    name: 'listener_connections',
    help: 'Open connections of the listener.',
    sample: () => listener.connections,
  });
  const asked = untilAsked();
  sayReady(name, listener.url, output);
  await asked;
  endAtOnce();
  log.event('service.ending');
  composed.unready?.();
  if (drainMs > 0) await pause(drainMs);
  drain();
}

const keyFile = ({ name }: ServiceName) => `${name}.key`;

function showKey(name: ServiceName, output: Output): void {
  const { did } = fileSigner(hereHome().folder('keys'), keyFile(name), systemRandom);
  output.line(did);
  output.document({ service: name.name, key: did });
}

function sayReady(name: ServiceName, url: string, output: Output): void {
  if (process.send) return void process.send({ ready: name.name, url });
  output.line(`${name.name} listens on ${url}`);
  output.item({ ready: name.name, url });
}
