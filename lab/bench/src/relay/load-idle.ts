import { once } from 'node:events';
import { WebSocket } from 'ws';
import { serveParent } from './child.ts';
import { connectDevice } from './device.ts';
import { makePeople } from './people.ts';

/** Clients that connect and then say nothing but that they are there. */
export interface IdleOptions {
  readonly port: number;
  /** Whether they prove devices: each its own, so many of one owner. Else they are bare WebSockets. */
  readonly devicesPerOwner: number | null;
  readonly connections: number;
  /** Names owners, and the address that they come from. */
  readonly seed: number;
}

/** Handshakes under way at once. */
const together = 32;

async function connect({ port, devicesPerOwner, connections, seed }: IdleOptions): Promise<boolean> {
  const localAddress = `127.0.1.${seed + 1}`;
  const waiting: (() => Promise<unknown>)[] = [];
  if (devicesPerOwner === null) {
    for (let n = 0; n < connections; n++) {
      const open = () =>
        once(new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false, localAddress }), 'open');
      waiting.push(open);
    }
  } else {
    for (let owner = 0; owner * devicesPerOwner < connections; owner++) {
      const people = await makePeople(devicesPerOwner, `idle-${seed}-${owner}`);
      for (let n = 0; n < devicesPerOwner && waiting.length < connections; n++) {
        waiting.push(() => connectDevice(port, people, n, { mail: true, localAddress }));
      }
    }
  }
  const work = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) await next();
  };
  await Promise.all(Array.from({ length: together }, work));
  return true;
}

serveParent(connect);
