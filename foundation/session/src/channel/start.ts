import { type Crypto, concat, crypto as defaultCrypto, type KeyPair, type Random, utf8 } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { empty, prefixed, u8 } from '../bytes.ts';
import { HandshakeState, type Role } from '../noise/handshake-state.ts';
import { noiseProtocol } from '../noise/protocol-name.ts';
import { Channel } from './channel.ts';
import { maxContextBytes } from './limits.ts';

/** Both ends know each other's X25519 key from the enrolments; ML-KEM-768 guards against a later quantum computer. */
export const channelProtocol = noiseProtocol('Noise_KKhfs_25519+MLKEM768_ChaChaPoly_SHA256');
const channelVersion = 1;

export interface ChannelParty {
  readonly owner: string;
  /** The device's `did:key`. */
  readonly device: string;
}

/** What both ends must agree on before a byte is readable. At most 512 bytes each. */
export interface ChannelContext {
  readonly initiator: ChannelParty;
  readonly responder: ChannelParty;
  /** `shell`, `forward`, …: a stream opened for one purpose cannot be passed off as another. */
  readonly purpose: string;
}

export interface ChannelOptions {
  readonly role: Role;
  /** This device's X25519 pair. */
  readonly staticKey: KeyPair;
  /** The peer device's X25519 key, from its verified enrolment: 32 bytes. */
  readonly peerKey: Uint8Array;
  readonly context: ChannelContext;
  readonly random: Random;
  /** Milliseconds. */
  readonly clock: () => number;
  readonly crypto?: Crypto;
}

export function channelPrologue(context: ChannelContext): Uint8Array {
  const { initiator, responder, purpose } = context;
  const names = [initiator.owner, initiator.device, responder.owner, responder.device, purpose].map(utf8);
  if (names.some((name) => name.length > maxContextBytes)) throw fail('session.too_large', 'a name of the channel');
  return concat(utf8('caponier channel'), u8(channelVersion), ...names.map(prefixed));
}

/** Two messages: the initiator writes, reads, and has a channel; the responder reads, writes, and has one. */
export class ChannelHandshake {
  readonly #noise: HandshakeState;
  readonly #clock: () => number;

  constructor(options: ChannelOptions) {
    this.#clock = options.clock;
    this.#noise = new HandshakeState({
      crypto: options.crypto ?? defaultCrypto,
      protocol: channelProtocol,
      role: options.role,
      prologue: channelPrologue(options.context),
      random: options.random,
      staticKey: options.staticKey,
      remoteStatic: options.peerKey,
    });
  }

  get done(): boolean {
    return this.#noise.done;
  }

  /** No payload: whoever replays a first message would have it read again (design section 6). */
  write(): Uint8Array {
    return this.#noise.write(empty);
  }

  /** Throws `session.bad_handshake`, and the handshake is over. */
  read(message: Uint8Array): void {
    this.#noise.read(message, 0);
  }

  /** Once, when `done`. */
  finish(): Channel {
    return new Channel(this.#noise.finish(), this.#clock);
  }
}

/** Begins `Noise_KK` with hybrid forward secrecy between two pinned devices. */
export function startChannel(options: ChannelOptions): ChannelHandshake {
  return new ChannelHandshake(options);
}
