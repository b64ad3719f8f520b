import type { Duplex } from 'node:stream';
import { fail } from '@caponier/protocol';
import type { Connections, Place } from './connections.ts';
import type { ListenerHit } from './limits.ts';
import { refuseSocket } from './refuse.ts';

/** Whether an answer written now would be taken for the answer to what is asked now: nothing else is on its way. */
function mayAnswer({ refused, waiting, exchange }: Place): boolean {
  if (refused || waiting > 1) return false;
  return exchange === null || !(exchange.request.complete || exchange.response.headersSent);
}

/** What Node reports of a connection that broke, or took too long, before there was a request to answer. */
export function createFaults(connections: Connections, onLimit: (name: ListenerHit) => void) {
  const judge = (code: string | undefined, place: Place): unknown => {
    switch (code) {
      case 'ERR_HTTP_REQUEST_TIMEOUT':
        onLimit(place.exchange && !place.exchange.request.complete ? 'requestSeconds' : 'headerSeconds');
        return fail('host.too_slow');
      case 'HPE_HEADER_OVERFLOW':
        onLimit('headerBytes');
        return fail('host.headers_too_large');
      default:
        return fail('host.bad_body');
    }
  };
  return (error: NodeJS.ErrnoException, socket: Duplex): void => {
    const place = connections.placeOf(socket);
    if (!place) {
      // TLS is not done: nothing can be said there.
      if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') onLimit('tlsHandshake');
      socket.destroy();
      return;
    }
    const answer = judge(error.code, place);
    if (socket.writable && mayAnswer(place)) refuseSocket(socket, answer);
    else socket.destroy();
  };
}
