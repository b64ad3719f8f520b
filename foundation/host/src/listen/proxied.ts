import type { Socket } from 'node:net';
import { MAX_PROXY_HEADER, type ProxyHeader, readProxyHeader } from './proxy-header.ts';

/**
 * Takes the PROXY header off a fresh connection and gives the rest of it on as if nothing had been read. `done` gets the
 * header, or undefined where the connection has to be cut: malformed, ended, or not there after `ms` milliseconds. Nothing
 * is answered: who cannot speak it is not meant to be here.
 */
export function takeProxyHeader(socket: Socket, ms: number, done: (header: ProxyHeader | undefined) => void): void {
  let bytes = new Uint8Array();
  const end = (header: ProxyHeader | undefined) => {
    clearTimeout(timer);
    socket.off('readable', read).off('end', cut).off('close', cut).off('error', cut);
    done(header);
  };
  const cut = () => end(undefined);
  const read = () => {
    for (let piece = socket.read() as Buffer | null; piece !== null; piece = socket.read() as Buffer | null) {
      bytes = Buffer.concat([bytes, piece]);
      let header: ProxyHeader | undefined;
      try {
        header = readProxyHeader(bytes.subarray(0, MAX_PROXY_HEADER));
      } catch {
        return cut();
      }
      if (!header) continue;
      if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length));
      return end(header);
    }
  };
  const timer = setTimeout(cut, ms);
  socket.on('readable', read).once('end', cut).once('close', cut).once('error', cut);
}
