import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { parseNetworks, readListenerLimits } from '../src/index.ts';
import { Connections } from '../src/listen/connections.ts';
import { MAX_REFUSALS } from '../src/listen/limits.ts';

const limits = { ...readListenerLimits({ env: {} }), maxConnections: 20, maxConnectionsPerAddress: 5 };
let port = 0;

function arriving(connections: Connections, remoteAddress: string): Socket {
  const socket = new Socket();
  Object.defineProperties(socket, { remoteAddress: { value: remoteAddress }, remotePort: { value: port++ } });
  connections.arrive(socket, false);
  connections.refuseExcess(socket);
  return socket;
}

const verdict = (connections: Connections, socket: Socket) =>
  socket.destroyed ? 'cut' : connections.placeOf(socket)?.refused ? 'refused' : 'taken';

const closed = (socket: Socket) => socket.closed || new Promise((resolve) => socket.once('close', resolve).destroy());

it('takes up to the limit, tells as many more as it can, and cuts the rest', async () => {
  const connections = new Connections({ limits, trusted: parseNetworks(''), onLimit: () => {} });
  const sockets = Array.from({ length: 20 + MAX_REFUSALS + 5 }, (_, i) =>
    arriving(connections, `10.0.${i >> 8}.${i & 255}`),
  );
  expect(sockets.map((socket) => verdict(connections, socket))).toEqual([
    ...Array(20).fill('taken'),
    ...Array(MAX_REFUSALS).fill('refused'),
    ...Array(5).fill('cut'),
  ]);
  await Promise.all(sockets.map(closed));
  expect(connections.size).toBe(0);
  expect(verdict(connections, arriving(connections, '10.0.0.1'))).toBe('taken');
});

it('leaves one address, or one /64, only its own share', async () => {
  const connections = new Connections({ limits, trusted: parseNetworks(''), onLimit: () => {} });
  const sockets = Array.from({ length: 6 }, (_, i) => arriving(connections, `2001:db8::${i}`));
  expect(sockets.map((socket) => verdict(connections, socket))).toEqual([...Array(5).fill('taken'), 'refused']);
  expect(verdict(connections, arriving(connections, '2001:db8:0:1::1'))).toBe('taken');
  expect(verdict(connections, arriving(connections, '10.0.0.1'))).toBe('taken');
  await closed(sockets[0]!);
  await closed(sockets[5]!);
  expect(verdict(connections, arriving(connections, '2001:db8::9'))).toBe('taken');
});

it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1'])(
  'does not count this machine (%s) as one address: a tunnel or proxy speaks for many',
  (address) => {
    const connections = new Connections({ limits, trusted: parseNetworks(''), onLimit: () => {} });
    const sockets = Array.from({ length: 21 }, () => arriving(connections, address));
    expect(sockets.map((socket) => verdict(connections, socket))).toEqual([...Array(20).fill('taken'), 'refused']);
  },
);

it('tells two handshakes apart that come from one port to two addresses of this machine', () => {
  const connections = new Connections({ limits, trusted: parseNetworks(''), onLimit: () => {} });
  const from = (localAddress: string) =>
    Object.defineProperties(new Socket(), {
      remoteAddress: { value: '198.51.100.1' },
      remotePort: { value: 1 },
      localAddress: { value: localAddress },
      localPort: { value: 443 },
    });
  const places = ['10.0.0.1', '10.0.0.2'].map((address) => {
    const socket = from(address);
    connections.arrive(socket, true);
    return connections.placeOf(socket);
  });
  const secured = ['10.0.0.1', '10.0.0.2'].map((address) => {
    const socket = from(address);
    connections.secured(socket);
    return connections.placeOf(socket);
  });
  expect(secured[0]).toBe(places[0]);
  expect(secured[1]).toBe(places[1]);
});
