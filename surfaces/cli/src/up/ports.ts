import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { fail } from '@caponier/protocol';

/** The address of this machine in its private network; loopback where it has none. */
export function privateAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}

/** Ports that are free now, held together so that no two are the same. With `base`: these, one after another. */
export async function choosePorts(host: string, count: number, base: number | null): Promise<number[]> {
  const servers: Server[] = [];
  try {
    for (let i = 0; i < count; i++) servers.push(await bind(host, base === null ? 0 : base + i));
    return servers.map((server) => (server.address() as { port: number }).port);
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

function bind(host: string, port: number): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        fail(
          'host.bad_config',
          `${host}:${port} ${cause.code === 'EADDRINUSE' ? 'is in use' : 'cannot be bound'}`,
          cause,
        ),
      ),
    );
    server.listen({ host, port }, () => resolve(server));
  });
}
