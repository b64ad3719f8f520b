import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { serveParent } from './child.ts';

/** The least a relay can do over ws: whatever comes on one connection goes out on the other of its pair. */
serveParent(async () => {
  const waiting = new Map<string, WebSocket>();
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const server = createServer();
  server.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (ws) => {
      const pair = request.url!;
      const other = waiting.get(pair);
      if (!other) {
        waiting.set(pair, ws);
        return;
      }
      waiting.delete(pair);
      ws.on('message', (message) => other.send(message, { binary: true }));
      other.on('message', (message) => ws.send(message, { binary: true }));
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
});
