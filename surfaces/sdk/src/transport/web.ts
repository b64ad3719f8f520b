import { fail } from '@caponier/protocol';
import { checkAddress } from './address.ts';
import { createResponse } from './response.ts';
import {
  type BinarySocket,
  CONNECT_TIMEOUT,
  type ConnectInit,
  IDLE_TIMEOUT,
  MAX_RESPONSE_BYTES,
  MAX_SOCKET_MESSAGE,
  REQUEST_TIMEOUT,
  type Transport,
} from './types.ts';

/** A page is not told which certificate it got, so it cannot compare a pin: refused, rather than ignored. */
function refusePin(address: URL, pin: string | undefined): void {
  if (pin !== undefined && (address.protocol === 'https:' || address.protocol === 'wss:')) {
    throw fail('host.pin_unsupported');
  }
}

async function* piecesOf(
  body: ReadableStream<Uint8Array> | null,
  idleTimeout: number,
  abort: AbortController,
): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  try {
    while (reader) {
      const timer = setTimeout(() => abort.abort(), idleTimeout);
      const { done, value } = await reader.read().finally(() => clearTimeout(timer));
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw fail('host.unreachable', 'the answer was cut off', error);
  } finally {
    abort.abort();
  }
}

async function openSocket(url: URL, init: ConnectInit): Promise<BinarySocket> {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  const max = init.maxMessageBytes ?? MAX_SOCKET_MESSAGE;
  const abort = () => socket.close();
  init.signal?.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(abort, init.timeout ?? CONNECT_TIMEOUT);
  return new Promise((resolve, reject) => {
    let opened = false;
    socket.addEventListener('message', ({ data }) => {
      if (!(data instanceof ArrayBuffer)) socket.close(3003, 'binary only');
      else if (data.byteLength > max) socket.close(3009, 'too large');
      else init.onMessage(new Uint8Array(data));
    });
    socket.addEventListener('close', ({ code, reason }) => {
      clearTimeout(timer);
      init.signal?.removeEventListener('abort', abort);
      if (opened) init.onClose(code, reason);
      // A page is shown neither the status nor the headers of an upgrade that was refused (WHATWG WebSockets, "fail the
      // WebSocket connection"): a Retry-After is not heard here, only what a relay says in a close; our own pauses must do.
      else reject(fail('host.unreachable', `close ${code}`));
    });
    socket.addEventListener('open', () => {
      clearTimeout(timer);
      opened = true;
      resolve({
        get bufferedBytes() {
          return socket.bufferedAmount;
        },
        send: (message) => {
          if (socket.readyState === WebSocket.OPEN) socket.send(message as Uint8Array<ArrayBuffer>);
        },
        close: (code = 1000, reason = '') => socket.close(code, reason),
      });
    });
  });
}

/** The network of a browser. */
export function createTransport(): Transport {
  return {
    async fetch(url, init = {}, pin) {
      const address = checkAddress(url, 'http');
      refusePin(address, pin);
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(), init.timeout ?? REQUEST_TIMEOUT);
      let answer: Response;
      try {
        answer = await fetch(address, {
          method: init.method ?? 'GET',
          headers: { ...init.headers },
          body: (init.body as Uint8Array<ArrayBuffer> | string | undefined) ?? null,
          signal: init.signal ? AbortSignal.any([init.signal, abort.signal]) : abort.signal,
          redirect: 'error',
          credentials: 'omit',
          cache: 'no-store',
          referrerPolicy: 'no-referrer',
        });
      } catch (error) {
        throw fail('host.unreachable', 'no answer', error);
      } finally {
        clearTimeout(timer);
      }
      const pieces = piecesOf(answer.body, init.idleTimeout ?? IDLE_TIMEOUT, abort);
      const header = (name: string) => answer.headers.get(name);
      return createResponse(answer.status, header, pieces, init.maxBytes ?? MAX_RESPONSE_BYTES);
    },
    async connect(url, init) {
      const address = checkAddress(url, 'ws');
      refusePin(address, init.pin);
      return openSocket(address, init);
    },
    close() {},
  };
}
