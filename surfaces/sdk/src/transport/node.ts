import { createHash, timingSafeEqual, X509Certificate } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { CaponierError } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { WebSocket } from 'ws';
import { checkAddress } from './address.ts';
import { refusal, retryAfterOf } from './later.ts';
import { createResponse } from './response.ts';
import {
  type BinarySocket,
  CONNECT_TIMEOUT,
  type ConnectInit,
  type FetchInit,
  IDLE_TIMEOUT,
  MAX_RESPONSE_BYTES,
  MAX_SOCKET_MESSAGE,
  REQUEST_TIMEOUT,
  type Transport,
  type TransportResponse,
} from './types.ts';

/** Connections kept open to one service, and milliseconds they may lie idle: less than the listener's own 10 s. */
const MAX_IDLE_CONNECTIONS = 8;
const IDLE_CONNECTION_TIME = 5_000;

/** Pins with an agent of their own; above it the one made first is ended. */
const MAX_PINNED_AGENTS = 64;

type Connected = (error: Error | null, socket: Duplex) => void;

function coded(error: unknown): CaponierError {
  if (error instanceof CaponierError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  return fail('host.unreachable', typeof code === 'string' ? code : 'connection failed', error);
}

/** Whether the certificate that TLS just proved possession of has the pinned public key. */
function pinned(socket: TLSSocket, pin: string): boolean {
  const peer = socket.getPeerX509Certificate();
  if (!(peer instanceof X509Certificate)) return false;
  const spki = peer.publicKey.export({ type: 'spki', format: 'der' });
  const actual = createHash('sha256').update(spki).digest();
  const wanted = Buffer.from(pin, 'base64url');
  return wanted.length === actual.length && timingSafeEqual(wanted, actual);
}

/**
 * Connects and compares the pin, and only then hands the socket over to be written to. Name, issuer and dates are not
 * looked at: the pin came from the owner, who is closer than any authority. No session is offered for resumption,
 * since a resumed one shows no certificate.
 */
function connectPinned(options: ConnectionOptions, pin: string, connected: Connected): void {
  const host = options.host ?? '';
  const socket = tlsConnect({
    ...options,
    ...(isIP(host) ? {} : { servername: host }),
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    minVersion: 'TLSv1.3',
  });
  const failed = (error: Error) => connected(coded(error), socket);
  socket.once('error', failed);
  // Nobody else can end it before it is handed over.
  const late = () => socket.destroy(new Error('no TLS in time'));
  socket.setTimeout(CONNECT_TIMEOUT, late);
  socket.once('secureConnect', () => {
    socket.setTimeout(0, late);
    socket.off('error', failed);
    if (pinned(socket, pin)) connected(null, socket);
    else {
      socket.destroy();
      connected(fail('host.pin_mismatch'), socket);
    }
  });
}

class PinnedAgent extends HttpsAgent {
  readonly #pin: string;

  constructor(pin: string) {
    super({ keepAlive: true, maxFreeSockets: MAX_IDLE_CONNECTIONS, timeout: IDLE_CONNECTION_TIME });
    this.#pin = pin;
  }

  override createConnection(options: RequestOptions, connected: Connected = () => {}): undefined {
    connectPinned(options as ConnectionOptions, this.#pin, connected);
  }
}

async function* piecesOf(incoming: IncomingMessage, idleTimeout: number): AsyncGenerator<Uint8Array> {
  const timer = setTimeout(() => incoming.destroy(new Error('quiet for too long')), idleTimeout);
  try {
    for await (const piece of incoming) {
      timer.refresh();
      yield new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
    }
    if (!incoming.complete) throw new Error('cut off');
  } catch (error) {
    throw coded(error);
  } finally {
    clearTimeout(timer);
    incoming.destroy();
  }
}

function open(url: URL, init: FetchInit, agent: HttpAgent | HttpsAgent): Promise<TransportResponse> {
  const { method = 'GET', headers = {}, timeout = REQUEST_TIMEOUT } = init;
  const body = typeof init.body === 'string' ? new TextEncoder().encode(init.body) : init.body;
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
      method,
      agent,
      headers: { ...headers, ...(body ? { 'content-length': String(body.length) } : {}) },
      ...(init.signal ? { signal: init.signal } : {}),
    });
    const timer = setTimeout(() => request.destroy(new Error('no answer in time')), timeout);
    request.once('error', (error) => {
      clearTimeout(timer);
      reject(coded(error));
    });
    request.once('response', (incoming) => {
      clearTimeout(timer);
      // An error between two reads is found again by the next read; without a listener it would end the process.
      incoming.on('error', () => {});
      request.on('error', () => {});
      const header = (name: string) => {
        const value = incoming.headers[name.toLowerCase()];
        return (Array.isArray(value) ? value.join(', ') : value) ?? null;
      };
      const pieces = piecesOf(incoming, init.idleTimeout ?? IDLE_TIMEOUT);
      resolve(createResponse(incoming.statusCode ?? 0, header, pieces, init.maxBytes ?? MAX_RESPONSE_BYTES));
    });
    request.end(body);
  });
}

/** Why an upgrade was answered, and not made: what says when to come back says it to whoever retries. */
function upgradeRefused({ statusCode, headers }: IncomingMessage): CaponierError {
  const code = { 429: 'host.rate_limited', 503: 'host.busy' } as const;
  const busy = code[statusCode as keyof typeof code];
  if (busy === undefined) return fail('host.unreachable', `HTTP ${statusCode}`);
  return refusal(busy, retryAfterOf(headers['retry-after'], headers.date));
}

function openSocket(url: URL, init: ConnectInit): Promise<BinarySocket> {
  return new Promise((resolve, reject) => {
    const pin = url.protocol === 'wss:' ? init.pin : undefined;
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      followRedirects: false,
      handshakeTimeout: init.timeout ?? CONNECT_TIMEOUT,
      maxPayload: init.maxMessageBytes ?? MAX_SOCKET_MESSAGE,
      ...(pin === undefined ? {} : { agent: new PinnedAgent(pin) }),
    });
    let opened = false;
    const abort = () => socket.terminate();
    if (init.signal?.aborted) abort();
    init.signal?.addEventListener('abort', abort, { once: true });
    // Above the first timer: it also covers a name server or a TLS handshake that never ends.
    const timer = setTimeout(abort, init.timeout ?? CONNECT_TIMEOUT);
    let failure: unknown;
    socket.on('error', (error) => {
      failure ??= error;
    });
    socket.on('unexpected-response', (_, response) => {
      failure = upgradeRefused(response);
      // Its body is read by nobody.
      response.on('error', () => {});
      socket.terminate();
    });
    socket.on('message', (data, binary) => {
      if (!binary) return socket.close(1003, 'binary only');
      const message = data as Buffer;
      init.onMessage(new Uint8Array(message.buffer, message.byteOffset, message.byteLength));
    });
    socket.on('close', (code, reason) => {
      clearTimeout(timer);
      init.signal?.removeEventListener('abort', abort);
      if (opened) init.onClose(code, reason.toString());
      else reject(coded(failure ?? new Error('closed')));
    });
    socket.on('open', () => {
      clearTimeout(timer);
      opened = true;
      // Messages that came with the answer wait until the caller has its socket.
      socket.pause();
      setImmediate(() => socket.resume());
      resolve({
        get bufferedBytes() {
          return socket.bufferedAmount;
        },
        send: (message) => {
          if (socket.readyState === WebSocket.OPEN) socket.send(message, { binary: true });
        },
        close: (code = 1000, reason = '') => socket.close(code, reason),
      });
    });
  });
}

/** The network of Node. */
export function createTransport(): Transport {
  const settings = { keepAlive: true, maxFreeSockets: MAX_IDLE_CONNECTIONS, timeout: IDLE_CONNECTION_TIME };
  const http = new HttpAgent(settings);
  const https = new HttpsAgent({ ...settings, minVersion: 'TLSv1.2' });
  const byPin = new Map<string, PinnedAgent>();
  const agentFor = (pin: string) => {
    const known = byPin.get(pin);
    if (known) return known;
    const [oldest] = byPin;
    if (oldest && byPin.size >= MAX_PINNED_AGENTS) {
      byPin.delete(oldest[0]);
      oldest[1].destroy();
    }
    const made = new PinnedAgent(pin);
    byPin.set(pin, made);
    return made;
  };
  return {
    async fetch(url, init = {}, pin) {
      const address = checkAddress(url, 'http');
      if (address.protocol === 'http:') return open(address, init, http);
      return open(address, init, pin === undefined ? https : agentFor(pin));
    },
    async connect(url, init) {
      return openSocket(checkAddress(url, 'ws'), init);
    },
    close() {
      http.destroy();
      https.destroy();
      for (const agent of byPin.values()) agent.destroy();
      byPin.clear();
    },
  };
}
