import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { serveParent } from './child.ts';
import { type ResidentQuestion, residentBytes } from './memory.ts';

/** The least a server can do over ws: it keeps connections, and listens to them. */
async function listen(): Promise<number> {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const server = createServer();
  const onMessage = () => {};
  server.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (ws) => ws.on('message', onMessage)),
  );
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, resolve));
  return (server.address() as AddressInfo).port;
}

serveParent((message: Partial<ResidentQuestion>) => (message.resident ? residentBytes(message.resident) : listen()));
