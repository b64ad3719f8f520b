import type { KeyPair, Random } from '@caponier/crypto';
import { type Did, type ErrorCode, encodeDid, entryOf, fail, keyOf, type Signer } from '@caponier/protocol';
import { type ChannelContext, startChannel } from '@caponier/session';
import type { Device as Enrolled, OwnerView, Wait } from '@caponier/verify';
import type { RelayPort, RelayStream } from '../link/relay-port.ts';
import type { Views } from '../views/views.ts';
import { MessageDuplex } from './duplex.ts';
import type { Admit, ChannelPeer, ChannelPurpose, Channels, Duplex } from './types.ts';

/** The byte on the relay's wire. Append only. */
const purposeNumbers: Readonly<Record<ChannelPurpose, number>> = { shell: 1, exec: 2, file: 3, forward: 4 };

/** Milliseconds for the two messages of a handshake. */
const handshakeMs = 10_000;

export interface ChannelPorts {
  readonly relay: RelayPort;
  readonly views: Views;
  readonly signer: Signer;
  readonly box: KeyPair;
  readonly random: Random;
  readonly clock: () => number;
  readonly wait: Wait;
  readonly trouble: (where: string, code: ErrorCode) => void;
}

interface Accepting {
  readonly admit: Admit;
  readonly handler: (channel: Duplex) => void;
}

/** Live sessions with devices of this owner, through the relay and past it: it carries bytes it cannot read. */
export class DeviceChannels implements Channels {
  readonly #ports: ChannelPorts;
  readonly #accepting = new Map<ChannelPurpose, Accepting>();
  readonly #live = new Set<Duplex>();

  constructor(ports: ChannelPorts) {
    this.#ports = ports;
  }

  start(): void {
    const { relay, views } = this.#ports;
    relay.acceptStreams((purpose, peer) => this.#offered(purpose, peer));
    // Who is revoked or frozen loses what is open, too.
    views.onChange(() => this.#recheck());
  }

  close(): void {
    for (const channel of this.#live) channel.close();
  }

  accept(purpose: ChannelPurpose, admit: Admit, handler: (channel: Duplex) => void): () => void {
    this.#accepting.set(purpose, { admit, handler });
    return () => this.#accepting.delete(purpose);
  }

  async open(name: string, purpose: ChannelPurpose): Promise<Duplex> {
    const { relay, views, signer } = this.#ports;
    const { view, age } = await views.soon('shell');
    const device = view.deviceByName(name);
    if (!device) throw fail('cli.no_device');
    checkStanding(view, signer.did);
    checkStanding(view, device.did);
    const stream = await relay.openStream(keyOf(device.did, 'ed25519'), purposeNumbers[purpose]);
    return this.#handshake('initiator', stream, view, device, purpose, age);
  }

  /** Everything is judged before the first byte of a handshake is answered. */
  #offered(number: number, key: Uint8Array): ((stream: RelayStream) => void) | null {
    const { views, signer, trouble } = this.#ports;
    const purpose = (Object.keys(purposeNumbers) as ChannelPurpose[]).find((p) => purposeNumbers[p] === number);
    const accepting = purpose && this.#accepting.get(purpose);
    if (!accepting) return null;
    try {
      const { view, age } = views.freshAge('shell');
      const device = view.device(encodeDid('ed25519', key));
      if (!device) throw fail('owner.not_enrolled', 'opens a channel');
      checkStanding(view, signer.did);
      checkStanding(view, device.did);
      accepting.admit(purpose, peerOf(view, device));
      return (stream) => {
        this.#handshake('responder', stream, view, device, purpose, age).then(accepting.handler, (error: unknown) =>
          trouble('channel.accept', entryOf(error).code),
        );
      };
    } catch (error) {
      trouble('channel.accept', entryOf(error).code);
      return null;
    }
  }

  async #handshake(
    role: 'initiator' | 'responder',
    stream: RelayStream,
    view: OwnerView,
    device: Enrolled,
    purpose: ChannelPurpose,
    viewAge: number,
  ): Promise<Duplex> {
    const { signer, box, random, clock, wait } = this.#ports;
    const [me, other] = [signer.did, device.did].map((did) => ({ owner: view.id, device: did })) as [Party, Party];
    const context: ChannelContext =
      role === 'initiator'
        ? { initiator: me, responder: other, purpose }
        : { initiator: other, responder: me, purpose };
    const handshake = startChannel({
      role,
      staticKey: box,
      peerKey: keyOf(device.box, 'x25519'),
      context,
      random,
      clock,
    });
    const bodies = stream.messages[Symbol.asyncIterator]();
    const done = new AbortController();
    const late = wait(handshakeMs, done.signal).then(() => 'late' as const);
    const read = async () => {
      const next = await Promise.race([bodies.next(), late]);
      if (next === 'late' || next.done) throw fail('session.bad_handshake', 'no answer');
      handshake.read(next.value);
    };
    try {
      if (role === 'responder') await read();
      await stream.send(handshake.write());
      if (role === 'initiator') await read();
    } catch (error) {
      stream.close();
      throw error;
    } finally {
      done.abort();
    }
    return this.#keep(new MessageDuplex(handshake.finish(), stream, bodies), purpose, peerOf(view, device), viewAge);
  }

  /** A channel stays in our sight until it is closed, or both ends said that nothing more comes. */
  #keep(messages: MessageDuplex, purpose: ChannelPurpose, peer: ChannelPeer, viewAge: number): Duplex {
    const close = () => {
      this.#live.delete(channel);
      messages.close();
    };
    let open = 2;
    const ended = () => {
      open -= 1;
      if (open === 0) close();
    };
    const channel: Duplex = {
      purpose,
      peer,
      viewAge,
      send: (message) => messages.send(message),
      messages: whenDone(messages.messages, ended, close),
      end: () => messages.end().then(ended),
      close,
    };
    this.#live.add(channel);
    return channel;
  }

  #recheck(): void {
    const { views, signer } = this.#ports;
    for (const channel of [...this.#live]) {
      try {
        const { view } = views.get();
        checkStanding(view, signer.did);
        checkStanding(view, channel.peer.device);
      } catch {
        channel.close();
      }
    }
  }
}

async function* whenDone(
  messages: AsyncIterable<Uint8Array>,
  ended: () => void,
  cut: () => void,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* messages;
  } catch (error) {
    cut();
    throw error;
  }
  ended();
}

type Party = ChannelContext['initiator'];

const peerOf = (view: OwnerView, { did, name, role }: Enrolled): ChannelPeer => ({
  owner: view.id,
  device: did,
  name,
  role,
});

function checkStanding(view: OwnerView, did: Did): void {
  if (!view.device(did)) throw fail(view.formerDevice(did) ? 'owner.revoked' : 'owner.not_enrolled');
  if (view.frozen(did)) throw fail('owner.frozen');
}
