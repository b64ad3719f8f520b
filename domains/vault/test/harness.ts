import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBase64url, Secret, toBase64url, utf8 } from '@caponier/crypto';
import { verifyStatement, workerWire } from '@caponier/protocol';
import { sealTo } from '@caponier/session';
import {
  makeUser,
  seededRandom,
  type TestAnswer,
  type TestAsker,
  type TestOwner,
  type TestUser,
  testViews,
  useWorker,
} from '@caponier/testkit';
import { createNodeUpstream, createVault, openVault, type Upstream, type Vault } from '../src/index.ts';

const allOps = ['secret.put', 'secret.use', 'secret.reveal', 'secret.list', 'secret.delete'];

export const vaultOwner = (seed: string, beside?: TestOwner) => makeUser(seed, 'secret', allOps, beside);

export const masterKey = () => Secret.from(seededRandom('master')(32));

export function startVault(
  path: string,
  owners: readonly TestUser[],
  options: { readonly upstream?: Upstream; readonly masterKey?: Secret } = {},
): Promise<Vault> {
  const { owner } = owners[0]!;
  return openVault(path).then((db) =>
    createVault({
      db,
      masterKey: options.masterKey ?? masterKey(),
      upstream: options.upstream ?? createNodeUpstream(),
      signer: owner.workers.secret,
      views: testViews(owners.map((one) => one.owner)),
      random: seededRandom(`vault ${path}`),
      clock: owner.clock,
    }),
  );
}

export type Uses = (op: string, resource: string, body?: unknown) => Promise<TestAnswer>;

/** Makes uses of one asker; what is put is sealed on the way, as a device does. */
export function usesOf(vault: Vault, { owner, grant }: TestUser, asker: TestAsker): Uses {
  return async (op, resource, body) => {
    const sealed = isPut(body) ? await sealPut(vault, owner.id, resource, body) : body;
    return useWorker(vault.app, owner, { asker, grant, class: 'secret', op, resource, body: sealed });
  };
}

interface PutBody {
  readonly value: string;
  readonly hosts: readonly string[];
  readonly allowPrivate: boolean;
}

const isPut = (body: unknown): body is PutBody => typeof body === 'object' && body !== null && 'value' in body;

export const putBody = (value: string, ...hosts: string[]): PutBody => ({ value, hosts, allowPrivate: false });

/** The body as the request signs it. */
export async function sealPut(vault: Vault, owner: string, name: string, { value, ...rules }: PutBody) {
  const { statement } = (await (await vault.app.request('/keys')).json()) as { statement: string };
  const { prekey, kem } = verifyStatement(statement, 'prekeys').payload;
  const context = workerWire.secretPutContext({ owner, name, ...rules });
  const keys = { boxKey: fromBase64url(prekey), kemKey: fromBase64url(kem) };
  return {
    sealed: toBase64url(sealTo(utf8(value), { ...keys, context, random: seededRandom(`seal ${value}`) })),
    ...rules,
  };
}

export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'caponier-vault-'));
  return { path, remove: () => rmSync(path, { recursive: true }) };
}

export interface TestUpstream {
  readonly url: string;
  readonly seen: {
    readonly method: string;
    readonly url: string;
    readonly headers: IncomingMessage['headers'];
    readonly body: string;
  }[];
  handler: (request: IncomingMessage, response: ServerResponse, body: string) => void;
  close(): Promise<void>;
}

/** A real HTTP server on loopback that remembers what it was sent. */
export async function startUpstream(): Promise<TestUpstream> {
  const seen: TestUpstream['seen'] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => (body += part));
    request.on('end', () => {
      seen.push({ method: request.method!, url: request.url!, headers: request.headers, body });
      upstream.handler(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const upstream: TestUpstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    handler: (_, response) => response.end('{"ok":true}'),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return upstream;
}
