import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../lab/testkit/src/index.ts';

/** The proxies of deploy/, as processes of their own, with what is shipped but for names, ports and files. */

export interface ProxyPlace {
  /** An empty folder. Certificate and key of `localhost` lie there as `cert.pem` and `key.pem`. */
  readonly folder: string;
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
  /** Where the relay does. */
  readonly relayPort: number;
}

export interface ShippedProxy {
  /** What its own check of the configuration says; empty where it finds nothing. */
  check(): string;
  start(): ChildProcess;
  /** All that it has logged. */
  log(): string;
}

const deploy = (name: string) => readFileSync(fileURLToPath(new URL(`../deploy/${name}`, import.meta.url)), 'utf8');

/** Puts what differs here into a shipped text; each of it has to stand there. */
function adapted(text: string, changes: readonly (readonly [string, string])[]): string {
  return changes.reduce((now, [from, to]) => {
    if (!now.includes(from)) throw new Error(`it does not say ${from}`);
    return now.replaceAll(from, to);
  }, text);
}

function proxy(
  program: string,
  args: { check: string[]; run: string[] },
  place: ProxyPlace,
  files: string[],
): ShippedProxy {
  const path = findProgram(program) ?? program;
  const env = {
    PATH: process.env.PATH,
    HOME: place.folder,
    XDG_CONFIG_HOME: place.folder,
    XDG_DATA_HOME: place.folder,
  };
  let said = '';
  return {
    check() {
      const { status, stdout, stderr } = spawnSync(path, args.check, { env, encoding: 'utf8' });
      return status === 0 ? '' : `${stdout}${stderr}`;
    },
    start() {
      const child = spawn(path, args.run, { env, stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
      return child;
    },
    log: () => said + files.map((file) => readFileSync(file, 'utf8')).join(''),
  };
}

/** What the comment of nginx.conf says that stands outside the http block, and nothing else. */
export function nginx(place: ProxyPlace): ShippedProxy {
  const shipped = deploy('nginx.conf');
  const { folder, port, relayPort } = place;
  const file = (name: string) => join(folder, name);
  const outside = [...shipped.matchAll(/^# {3}(worker_rlimit_nofile .*;|events .*\})$/gm)].map(([, line]) => line);
  const inside = adapted(shipped, [
    ['listen 443 ssl;', `listen 127.0.0.1:${port} ssl;`],
    ['listen [::]:443 ssl;', ''],
    ['relay.example.org;', 'localhost;'],
    ['127.0.0.1:7100;', `127.0.0.1:${relayPort};`],
    ['/etc/letsencrypt/live/relay.example.org/fullchain.pem', file('cert.pem')],
    ['/etc/letsencrypt/live/relay.example.org/privkey.pem', file('key.pem')],
    ['/var/log/nginx/error.log', file('error.log')],
    // As shipped three times what the relay is silent; here too.
    ['90s', '3s'],
  ]);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${file(name)};`)
    .join('\n');
  writeFileSync(
    file('whole.conf'),
    `daemon off;\nworker_processes 1;\npid ${file('pid')};\n${outside.join('\n')}\nhttp {\n${temporary}\n${inside}\n}\n`,
  );
  writeFileSync(file('error.log'), '');
  const common = ['-p', folder, '-e', file('main.log'), '-c', file('whole.conf')];
  return proxy('nginx', { check: ['-t', '-q', ...common], run: common }, place, [file('error.log'), file('main.log')]);
}

export function caddy(place: ProxyPlace): ShippedProxy {
  const { folder, port, relayPort } = place;
  const file = (name: string) => join(folder, name);
  const text = adapted(deploy('Caddyfile'), [
    // No port of the machine but the one: not that of its console, nor 80.
    ['\tservers {', '\tadmin off\n\tauto_https disable_redirects\n\tservers {'],
    ['relay.example.org {', `localhost:${port} {\n\tbind 127.0.0.1\n\ttls ${file('cert.pem')} ${file('key.pem')}`],
    ['reverse_proxy 127.0.0.1:7100', `reverse_proxy 127.0.0.1:${relayPort}`],
  ]);
  writeFileSync(file('Caddyfile'), text);
  const config = ['--adapter', 'caddyfile', '--config', file('Caddyfile')];
  return proxy('caddy', { check: ['validate', ...config], run: ['run', ...config] }, place, []);
}
