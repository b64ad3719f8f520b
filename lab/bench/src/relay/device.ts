import { toBase64url } from '@caponier/crypto';
import { decodeFrame, encodeFrame, type Frame, type FrameName, keyOf, sign } from '@caponier/protocol';
import { WebSocket } from 'ws';
import { type People, relaySigner } from './people.ts';

/** A device that the relay has welcomed. */
export interface Welcomed {
  readonly ws: WebSocket;
  readonly key: Uint8Array;
  /** The next frame of that name, those that came already included. */
  next<N extends FrameName>(name: N): Promise<Frame<N>>;
}

/** Frames as they are asked for. Rejects when the connection ends. */
function frames(ws: WebSocket): Welcomed['next'] {
  const here: Frame[] = [];
  let ended: Error | undefined;
  let wake = () => {};
  ws.on('message', (data: Buffer) => {
    here.push(decodeFrame(data, 'relay'));
    wake();
  });
  const end = (error: Error) => {
    ended ??= error;
    wake();
  };
  ws.on('error', end);
  ws.on('close', (code) => end(new Error(`the relay closed with ${code}`)));
  return async <N extends FrameName>(name: N) => {
    for (;;) {
      const at = here.findIndex(({ type }) => type === name);
      if (at >= 0) return here.splice(at, 1)[0] as Frame<N>;
      if (ended) throw ended;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
}

/** Connects a device and proves it; it takes mail where `mail` says so, and streams. */
export async function connectDevice(
  port: number,
  people: People,
  n: number,
  { mail = false, localAddress = '127.0.0.1' } = {},
): Promise<Welcomed> {
  const signer = people.devices[n]!;
  const ws = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false, localAddress });
  const next = frames(ws);
  const { challenge } = await next('challenge');
  const iat = Math.floor(Date.now() / 1000);
  const hello = await sign(signer, 'hello', {
    aud: relaySigner.did,
    owner: people.owner,
    challenge: toBase64url(challenge),
    mode: 'exclusive',
    tls: null,
    iat,
    exp: iat + 60,
    nonce: toBase64url(challenge.slice(16)),
  });
  ws.send(encodeFrame('hello', { hello, ticket: '', resume: new Uint8Array(0), chain: people.chain }));
  await next('welcome');
  ws.send(encodeFrame('listen', { mail, streams: true }));
  ws.send(encodeFrame('ping', {}));
  await next('pong');
  return { ws, next, key: keyOf(signer.did, 'ed25519') };
}
