import { toBase64url } from '@caponier/crypto';
import {
  decodeFrame,
  encodeDid,
  encodeFrame,
  type Frame,
  type FrameInput,
  type FrameName,
  type Signer,
  sign,
} from '@caponier/protocol';
import { WebSocket } from 'ws';

/** Whose end of a line it is, and what it shows. */
export interface Party {
  readonly signer: Signer;
  readonly owner: string;
  readonly chain: readonly string[];
}

/** One connection to a relay that may die at any moment, or be hung up by whoever holds it. */
export class Line {
  readonly #ws: WebSocket;
  readonly #welcomed: Promise<void>;
  /** Resolves when the connection is gone, whoever ended it. */
  readonly gone: Promise<void>;
  isGone = false;

  constructor(url: string, { signer, owner, chain }: Party, heard: (frame: Frame) => void) {
    this.#ws = new WebSocket(url, { perMessageDeflate: false });
    this.#ws.on('error', () => {});
    this.gone = new Promise((resolve) =>
      this.#ws.once('close', () => {
        this.isGone = true;
        resolve();
      }),
    );
    this.#welcomed = new Promise((resolve, reject) => {
      void this.gone.then(() => reject(new Error('gone before the welcome')));
      this.#ws.on('message', async (data: Buffer) => {
        const frame = decodeFrame(data, 'relay');
        if (frame.type === 'challenge') {
          const hello = await helloFor(signer, owner, frame);
          this.say('hello', { hello, ticket: '', resume: new Uint8Array(0), chain });
        } else if (frame.type === 'welcome') resolve();
        else if (frame.type === 'ping') this.say('pong', {});
        // What a crashed end was told in its last moment it has not heard.
        else if (!this.isGone) heard(frame);
      });
    });
    this.#welcomed.catch(() => {});
  }

  /** Resolves to false where the relay died first. */
  async ready(): Promise<boolean> {
    return this.#welcomed.then(
      () => true,
      () => false,
    );
  }

  say<N extends FrameName>(name: N, values: FrameInput<N>): void {
    if (this.#ws.readyState === WebSocket.OPEN) this.#ws.send(encodeFrame(name, values));
  }

  /** As when the process at this end is killed: nothing that is on its way is heard any more. */
  cut(): void {
    this.isGone = true;
    this.#ws.terminate();
  }
}

function helloFor(signer: Signer, owner: string, { relay, challenge }: Frame<'challenge'>): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return sign(signer, 'hello', {
    aud: encodeDid('ed25519', relay),
    owner,
    challenge: toBase64url(challenge),
    mode: 'exclusive',
    tls: null,
    iat: now,
    exp: now + 60,
    nonce: toBase64url(challenge.slice(0, 16)),
  });
}
