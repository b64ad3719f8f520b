import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import {
  type Application,
  createLog,
  fileSigner,
  type Home,
  homePath,
  type Log,
  loadOrCreateCertificate,
  type OnUpgrade,
  openHome,
  readListenerLimits,
  refuseRoot,
  serve,
  systemClock,
  systemRandom,
} from '@caponier/host';
import { fail, type Signer } from '@caponier/protocol';
import { createTransport, type Transport } from '@caponier/sdk/net';
import { hereHome } from '../home/context.ts';
import type { Output } from '../terminal/output.ts';
import {
  type Deployment,
  deploymentFile,
  type Listed,
  parseDeployment,
  readDeployment,
  serviceOf,
} from './deployment.ts';
import type { ServiceName } from './names.ts';
import { untilAsked } from './signals.ts';

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
  readonly transport: Transport;
  /** `--limit name=value`, as typed. */
  readonly given: readonly string[];
  readonly settings: { readonly flags: Readonly<Record<string, string>>; readonly env: NodeJS.ProcessEnv };
}

/** A service that is ready to be listened for. */
export interface Composed {
  readonly app: Application;
  readonly onUpgrade?: OnUpgrade;
  /** Ends streams and WebSockets, which do not end by themselves. */
  readonly drain?: () => void;
  /** After the last request: closes stores. */
  close(): Promise<void>;
}

export interface ServiceFlags {
  readonly host?: string;
  readonly port?: string;
  readonly deployment?: string;
  readonly showKey?: boolean;
  readonly allowRoot?: boolean;
  readonly allowUnsafePublicBind?: boolean;
  readonly [flag: string]: unknown;
}

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Values of flags as limits know them: by `--name`. */
function limitFlags(flags: ServiceFlags): Record<string, string> {
  const given = Object.entries(flags).filter(([, value]) => typeof value === 'string');
  return Object.fromEntries(given.map(([name, value]) => [`--${kebab(name)}`, value as string]));
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

function portOf(flags: ServiceFlags, me: Listed): number {
  if (flags.port === undefined) {
    const { port, protocol } = new URL(me.url);
    return Number(port) || (protocol === 'https:' ? 443 : 80);
  }
  if (!/^\d{1,5}$/.test(flags.port) || Number(flags.port) > 65_535) throw fail('host.bad_config', '--port');
  return Number(flags.port);
}

/**
 * One service as a process: key, deployment, listener, drain on SIGTERM. Tells its supervisor over IPC when it is ready, or
 * a person on standard output. Resolves when it has ended.
 */
export async function runService(
  name: ServiceName,
  flags: ServiceFlags,
  output: Output,
  compose: (context: ServiceContext) => Promise<Composed>,
): Promise<void> {
  const allowRoot = flags.allowRoot === true;
  refuseRoot({ allowRoot });
  if (flags.showKey) return showKey(name, output);
  const deployment = await findDeployment(flags.deployment);
  const me = serviceOf(deployment, name.role, name.class);
  const home = hereHome();
  const keys = home.folder('keys');
  const signer = fileSigner(keys, keyFile(name), systemRandom);
  if (me.key !== signer.did) throw fail('host.bad_config', `${deploymentFile} names another key for ${name.name}`);
  const settings = { flags: limitFlags(flags), env: process.env };
  const limits = readListenerLimits(settings);
  const host = flags.host ?? deployment.host;
  const lock = home.lock(name.name);
  const log = createLog({ service: name.name, clock: systemClock });
  const transport = createTransport();
  const data = home.folder('data').folder(name.name);
  const tls = deployment.tls
    ? await loadOrCreateCertificate(home.folder('tls'), [new URL(me.url).hostname], systemClock())
    : undefined;
  const given = (flags.limit as string[] | undefined) ?? [];
  const composed = await compose({ given, deployment, me, signer, data, keys, log, transport, settings });
  const listener = await serve(composed.app, {
    host,
    port: portOf(flags, me),
    limits,
    log,
    clock: systemClock,
    allowRoot,
    allowUnsafePublicBind: flags.allowUnsafePublicBind === true,
    ...(tls && { tls }),
    ...(composed.onUpgrade && { onUpgrade: composed.onUpgrade }),
  });
  sayReady(name, listener.url, output);
  await untilAsked();
  log.event('service.ending');
  composed.drain?.();
  await listener.close();
  await composed.close();
  transport.close();
  lock.release();
  if (process.connected) process.disconnect();
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
