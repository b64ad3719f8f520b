import { crypto, utf8 } from '@caponier/crypto';
import { entryOf, fail } from '@caponier/protocol';
import { Hono } from 'hono';
import { pageHeaders } from './headers.ts';

/** What the page shows, as the command line shows it with `--json`. */
export interface PageSource {
  status(): Promise<unknown>;
  asks(): Promise<unknown>;
}

export interface WebOptions {
  readonly source: PageSource;
  /** One file of the built page, or null; the name is one that `assetNames` lists. */
  readonly asset: (name: string) => Promise<Uint8Array | null>;
  /** Names of the files of the built page; nothing else is ever asked for. */
  readonly assetNames: ReadonlySet<string>;
  /** At least 128 bits, base64url. It travels in the fragment of the address, which no server sees. */
  readonly token: string;
  /** `localhost:PORT` and the like: the only names under which the page answers. */
  readonly hosts: ReadonlySet<string>;
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  wasm: 'application/wasm',
};

/**
 * The server of the first page: devices, asks, and the verifier, which runs in the browser and needs nothing of us.
 *
 * Threat: another page in the same browser reads the daemon through it (DNS rebinding, cross-site requests), or another
 * user of the machine does. Measure: the Host header must be one of ours, and the data needs the token. It only shows;
 * nothing can be done through it.
 */
export function createWeb({ source, asset, assetNames, token, hosts }: WebOptions): Hono {
  const app = new Hono();
  const expected = crypto.sha256(utf8(`Bearer ${token}`));

  app.use(async (c, next) => {
    if (!hosts.has(c.req.header('host') ?? '')) throw fail('host.not_found', 'foreign host name');
    await next();
    for (const [name, value] of Object.entries(pageHeaders)) c.res.headers.set(name, value);
  });

  app.use('/api/*', async (c, next) => {
    // Hashed first, so that the comparison takes the same time whatever was sent.
    const given = crypto.sha256(utf8(c.req.header('authorization') ?? ''));
    if (!crypto.equal(given, expected)) throw fail('web.no_token');
    await next();
  });
  app.get('/api/status', async (c) => c.json((await source.status()) as object));
  app.get('/api/asks', async (c) => c.json((await source.asks()) as object));

  app.get('*', async (c) => {
    const name = c.req.path === '/' ? 'index.html' : c.req.path.slice(1);
    const bytes = assetNames.has(name) ? await asset(name) : null;
    if (!bytes) throw fail('host.not_found');
    const type = types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
    return c.body(bytes as Uint8Array<ArrayBuffer>, 200, { 'content-type': type });
  });

  const problem = (error: unknown) => {
    const { code, title, hint, status } = entryOf(error);
    return Response.json({ type: 'about:blank', title, status, code, hint }, { status, headers: { ...pageHeaders } });
  };
  app.onError(problem);
  app.notFound(() => problem(fail('host.not_found')));
  return app;
}
