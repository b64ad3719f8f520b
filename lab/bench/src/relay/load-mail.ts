import type { Socket } from 'node:net';
import { encodeFrame, keyOf, relayHeaderBytes } from '@caponier/protocol';
import { serveParent } from './child.ts';
import { connectDevice } from './device.ts';
import { loadMail, type MailLoad } from './mail-load.ts';
import { bare, clientMessage, frameReader } from './pairs.ts';
import { makePeople } from './people.ts';

export interface MailOptions {
  readonly port: number;
  readonly owners: number;
  /** Each sends to a device of its own, which is not connected. */
  readonly sendersPerOwner: number;
  readonly body: number;
}

const acceptedBytes = relayHeaderBytes + 16;
const refusedBytes = acceptedBytes + 4;

/** A device that sends mail, over the bare socket: what is measured is the relay. */
class Sender {
  readonly #socket: Socket;
  readonly #message: Buffer;
  readonly #idAt: number;
  readonly #seed: number;
  readonly #waiting: (() => void)[] = [];
  #count = 0;

  constructor(socket: Socket, to: Uint8Array, body: number, seed: number) {
    this.#socket = socket;
    this.#seed = seed;
    this.#message = clientMessage(
      encodeFrame('mail', { to, id: new Uint8Array(16), seconds: 0, body: new Uint8Array(body).fill(7) }),
    );
    this.#idAt = this.#message.length - body - 4 - 16;
    const read = frameReader((length) => {
      // The answers come in the order of the messages.
      if (length === acceptedBytes) this.#waiting.shift()?.();
      else if (length === refusedBytes) throw new Error('the relay refused a message');
    });
    socket.on('data', (chunk) => read(chunk as Buffer));
    socket.on('close', () => {
      throw new Error('the relay hung up');
    });
  }

  send(): Promise<void> {
    const message = Buffer.from(this.#message);
    // The mask stays on it: any 16 bytes make an id, as long as they are new.
    message.writeUInt32BE(this.#seed, this.#idAt);
    message.writeUInt32BE(this.#count++, this.#idAt + 4);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket.write(message);
    });
  }
}

let senders: Sender[] = [];

async function prepare({ port, owners, sendersPerOwner, body }: MailOptions): Promise<boolean> {
  for (let owner = 0; owner < owners; owner++) {
    const people = await makePeople(2 * sendersPerOwner, `mail-${owner}`);
    for (let n = 0; n < sendersPerOwner; n++) {
      const { ws } = await connectDevice(port, people, 2 * n);
      const to = keyOf(people.devices[2 * n + 1]!.did, 'ed25519');
      senders.push(new Sender(bare(ws), to, body, senders.length));
    }
  }
  return true;
}

serveParent((message: MailOptions | MailLoad) => {
  if ('milliseconds' in message) return loadMail((n) => senders[n]!.send(), senders.length, message);
  senders = [];
  return prepare(message);
});
