import { once } from 'node:events';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, type Listener, type ListenerHit, loadOrCreateCertificate, openHome } from '../src/index.ts';
import { bare, listen, temporaryFolder, until } from './helpers.ts';

let folder: ReturnType<typeof temporaryFolder>;
let tls: Certificate;
let listener: Listener;
const hits: ListenerHit[] = [];

beforeAll(async () => {
  folder = temporaryFolder();
  tls = await loadOrCreateCertificate(openHome(`${folder.path}/home`), ['127.0.0.1'], Date.now());
  listener = await listen({ headerSeconds: 1 }, { tls, onLimit: (name) => void hits.push(name) });
});
afterAll(async () => {
  await listener.close(0);
  folder.remove();
});

/** A client so old that it would take anything: what is refused, the listener refuses. */
async function dial(options: ConnectionOptions): Promise<TLSSocket> {
  const old = { ciphers: 'ALL:@SECLEVEL=0', minVersion: 'TLSv1' } as const;
  const socket = connect({ host: '127.0.0.1', port: listener.port, ca: tls.cert, ...old, ...options });
  await once(socket, 'secureConnect');
  return socket;
}
const refused = (options: ConnectionOptions) =>
  expect(dial(options)).rejects.toMatchObject({ code: /^(ERR_SSL_|ECONNRESET)/ });

describe('TLS', () => {
  it.each(['TLSv1', 'TLSv1.1'] as const)('of version %s is refused', async (maxVersion) => {
    await refused({ maxVersion });
  });

  it.each([
    'ECDHE-ECDSA-AES128-SHA256',
    'ECDHE-ECDSA-AES256-SHA384',
    'ECDHE-ECDSA-AES128-SHA',
    'AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES128-CCM',
    'ECDHE-ECDSA-NULL-SHA',
  ])('1.2 with %s is refused', async (suite) => {
    await refused({ maxVersion: 'TLSv1.2', ciphers: `${suite}:@SECLEVEL=0` });
  });

  it.each(['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305'])(
    '1.2 with %s is taken',
    async (suite) => {
      const socket = await dial({ maxVersion: 'TLSv1.2', ciphers: suite });
      expect([socket.getProtocol(), socket.getCipher().name]).toEqual(['TLSv1.2', suite]);
      socket.destroy();
    },
  );

  it('1.3 is taken, and preferred', async () => {
    const socket = await dial({});
    expect(socket.getProtocol()).toBe('TLSv1.3');
    socket.destroy();
  });

  it('1.2 chooses by our order, and not by the client’s', async () => {
    const socket = await dial({
      maxVersion: 'TLSv1.2',
      ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256',
    });
    expect(socket.getCipher().name).toBe('ECDHE-ECDSA-AES128-GCM-SHA256');
    socket.destroy();
  });

  it('1.2 is not negotiated again on one connection', async () => {
    const socket = await dial({ maxVersion: 'TLSv1.2' });
    const error = await new Promise<Error | null>((resolve) => {
      socket.on('error', resolve);
      socket.renegotiate({}, resolve);
    });
    expect(error).toMatchObject({ code: /RENEGOTIATION|ECONNRESET/ });
    socket.destroy();
  });

  it('that is never finished is cut, and counted', async () => {
    await until(() => listener.connections === 0);
    hits.length = 0;
    const silent = bare(listener.port);
    silent.socket.write(Buffer.from([0x16, 3, 1, 2, 0, 1, 0]));
    expect(await silent.told).toBe('');
    await until(() => listener.connections === 0);
    expect(hits).toEqual(['tlsHandshake']);
  });
});
