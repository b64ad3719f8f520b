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

const open = (trusted = '', hits: string[] = []) =>
  new Connections({ limits, trusted: parseNetworks(trusted), onLimit: (name) => void hits.push(name) });

it('takes up to the limit of proxies, tells as many more as it can, and cuts the rest', async () => {
  const connections = open('10.0.0.0/8');
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

it('gives the place of the busiest address that was quiet longest to whoever comes', () => {
  const hits: string[] = [];
  const connections = open('', hits);
  const ofThree = ['1', '2', '3'].flatMap((end) =>
    Array.from({ length: 5 }, () => arriving(connections, `203.0.113.${end}`)),
  );
  const others = Array.from({ length: 5 }, (_, i) => arriving(connections, `198.51.100.${i}`));
  const placeOf = (socket: Socket) => connections.placeOf(socket)!;
  // The first address has fewest that may go, the others are as busy as each other; of the second the first one just asked.
  connections.upgrade(placeOf(ofThree[0]!));
  connections.upgrade(placeOf(ofThree[1]!));
  connections.touch(placeOf(ofThree[5]!));
  const late = [arriving(connections, '198.51.100.7'), arriving(connections, '198.51.100.8')];
  expect(connections.size).toBe(22);
  expect(hits).toEqual([]);
  late.push(arriving(connections, '198.51.100.9'), arriving(connections, '198.51.100.10'));
  expect(hits).toEqual(['maxConnections', 'maxConnections']);
  const cut = ofThree.map((socket, i) => (socket.destroyed ? i : -1)).filter((i) => i >= 0);
  expect(cut).toEqual([6, 10]);
  expect([...others, ...late].every((socket) => verdict(connections, socket) === 'taken')).toBe(true);
  expect(connections.size).toBe(22);
});

it('keeps WebSockets, and counts them no more', async () => {
  const connections = open();
  const upgraded = Array.from({ length: 30 }, (_, i) => {
    const socket = arriving(connections, `10.0.0.${i}`);
    connections.upgrade(connections.placeOf(socket)!);
    return socket;
  });
  const plain = Array.from({ length: 21 }, (_, i) => arriving(connections, `10.0.1.${i}`));
  expect(upgraded.some((socket) => socket.destroyed)).toBe(false);
  expect(plain.filter((socket) => socket.destroyed)).toEqual([plain[0]]);
  await Promise.all(upgraded.map(closed));
  const more = Array.from({ length: 2 }, (_, i) => arriving(connections, `10.0.2.${i}`));
  expect(more.every((socket) => verdict(connections, socket) === 'taken')).toBe(true);
  expect(plain.filter((socket) => socket.destroyed)).toEqual(plain.slice(0, 3));
});

it('that is displaced becomes no WebSocket any more, and loosens no limit', () => {
  const connections = open();
  const sockets = Array.from({ length: 20 }, (_, i) => arriving(connections, `10.0.0.${i}`));
  const first = connections.placeOf(sockets[0]!)!;
  arriving(connections, '10.0.1.1');
  expect(sockets[0]!.destroyed).toBe(true);
  connections.upgrade(first);
  arriving(connections, '10.0.1.2');
  expect(sockets[1]!.destroyed).toBe(true);
  expect(connections.size).toBe(20);
});

it('leaves one address, or one /64, only its own share', async () => {
  const connections = open();
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
    const connections = open();
    const sockets = Array.from({ length: 20 }, () => arriving(connections, address));
    expect(sockets.map((socket) => verdict(connections, socket))).toEqual(Array(20).fill('taken'));
  },
);

it('tells two handshakes apart that come from one port to two addresses of this machine', () => {
  const connections = open();
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
