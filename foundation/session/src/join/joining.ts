import { type Crypto, concat, crypto as defaultCrypto, type Random, type Secret, utf8 } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { prefixed } from '../bytes.ts';
import { Channel } from '../channel/channel.ts';
import { HandshakeState } from '../noise/handshake-state.ts';
import { noiseProtocol } from '../noise/protocol-name.ts';
import { joinKey, meetingName } from './code.ts';
import { safetyNumber } from './safety-number.ts';

/** Neither side knows a key of the other: what they share is the code. */
export const joinProtocol = noiseProtocol('Noise_NNpsk0+hfs_25519+MLKEM768_ChaChaPoly_SHA256');

/** Bytes of what one side shows of itself at joining. Longer things (a chain) follow in the channel, named in it by hash. */
export const maxIntroductionBytes = 16 * 1024;
const commitmentBytes = 32;

export type JoinRole = 'adder' | 'joiner';

export interface JoinOptions {
  /** The adder opened the meeting and waits in it; the joiner comes and speaks first. */
  readonly role: JoinRole;
  readonly secret: Secret;
  /** What this side shows of itself, at most 16 KiB: it is bound into the safety number, and the peer gets these bytes. */
  readonly introduction: Uint8Array;
  readonly random: Random;
  /** Milliseconds. */
  readonly clock: () => number;
  readonly crypto?: Crypto;
}

/** What both sides have when `done`; nothing of it may be stored before both people said yes. */
export interface Joined {
  readonly channel: Channel;
  /** `12345 00042 …`: 96 bits in six groups, to be compared by people. */
  readonly safetyNumber: string;
  /** Exactly what the peer showed, unverified: check it like all bytes from outside. */
  readonly peerIntroduction: Uint8Array;
}

type Phase = 'first' | 'second' | 'joiner-shows' | 'adder-shows' | 'done' | 'failed';
const speaker: Readonly<Record<Phase, JoinRole | null>> = {
  first: 'joiner',
  second: 'adder',
  'joiner-shows': 'joiner',
  'adder-shows': 'adder',
  done: null,
  failed: null,
};
const next: Readonly<Record<Phase, Phase>> = {
  first: 'second',
  second: 'joiner-shows',
  'joiner-shows': 'adder-shows',
  'adder-shows': 'done',
  done: 'failed',
  failed: 'failed',
};

export function joinPrologue(secret: Secret, crypto: Crypto): Uint8Array {
  return concat(utf8('caponier join 1'), prefixed(utf8(meetingName(secret, crypto))));
}

/** With the role in it, so that an introduction cannot be reflected to its sender. */
export function commitmentTo(crypto: Crypto, role: JoinRole, introduction: Uint8Array): Uint8Array {
  return crypto.sha256(utf8(`caponier join 1 ${role}`), prefixed(introduction));
}

/**
 * Joining by code: four messages, joiner first, each from `write` at one side into `read` at the other. The first two
 * are the handshake, whose payloads commit to the introductions; the last two are records that open them.
 */
export class Joining {
  readonly #crypto: Crypto;
  readonly #role: JoinRole;
  readonly #noise: HandshakeState;
  readonly #clock: () => number;
  readonly #introduction: Uint8Array;
  #phase: Phase = 'first';
  #channel: Channel | null = null;
  #peerCommitment: Uint8Array | null = null;
  #peerIntroduction: Uint8Array | null = null;

  constructor(options: JoinOptions) {
    if (options.introduction.length > maxIntroductionBytes) throw fail('session.too_large', 'introduction');
    const crypto = options.crypto ?? defaultCrypto;
    this.#crypto = crypto;
    this.#role = options.role;
    this.#clock = options.clock;
    this.#introduction = options.introduction.slice();
    this.#noise = new HandshakeState({
      crypto,
      protocol: joinProtocol,
      role: options.role === 'joiner' ? 'initiator' : 'responder',
      prologue: joinPrologue(options.secret, crypto),
      random: options.random,
      psks: [joinKey(options.secret, crypto)],
    });
  }

  get done(): boolean {
    return this.#phase === 'done';
  }

  /** Whether the next call is `write`; else it is `read`, until `done`. */
  get myTurn(): boolean {
    return speaker[this.#phase] === this.#role;
  }

  write(): Uint8Array {
    return this.#step(true, () =>
      this.#channel
        ? this.#channel.seal(this.#introduction)
        : this.#noise.write(commitmentTo(this.#crypto, this.#role, this.#introduction)),
    );
  }

  /** Throws `session.bad_handshake` or `session.bad_record`: another code, or somebody between. Then it is over. */
  read(message: Uint8Array): void {
    this.#step(false, () => {
      if (!this.#channel) {
        this.#peerCommitment = this.#noise.read(message, commitmentBytes);
        if (this.#peerCommitment.length !== commitmentBytes) throw fail('session.bad_handshake', 'no commitment');
        return;
      }
      const introduction = this.#channel.open(message);
      const commitment = commitmentTo(this.#crypto, this.#role === 'adder' ? 'joiner' : 'adder', introduction);
      if (introduction.length > maxIntroductionBytes || !this.#crypto.equal(commitment, this.#peerCommitment!))
        throw fail('session.bad_handshake', 'not what the peer committed to');
      this.#peerIntroduction = introduction;
    });
  }

  /** Once `done`. */
  finish(): Joined {
    if (!this.done) throw fail('session.bad_handshake', 'joining is not finished');
    this.#phase = 'failed';
    const channel = this.#channel!;
    const own = commitmentTo(this.#crypto, this.#role, this.#introduction);
    const [joiner, adder] = this.#role === 'joiner' ? [own, this.#peerCommitment!] : [this.#peerCommitment!, own];
    return {
      channel,
      safetyNumber: safetyNumber(this.#crypto, channel.handshakeHash, joiner, adder),
      peerIntroduction: this.#peerIntroduction!,
    };
  }

  #step<T>(writing: boolean, run: () => T): T {
    if (speaker[this.#phase] === null || this.myTurn !== writing) throw fail('session.bad_handshake', 'out of turn');
    const phase = this.#phase;
    this.#phase = 'failed';
    try {
      const result = run();
      if (phase === 'second') this.#channel = new Channel(this.#noise.finish(), this.#clock);
      this.#phase = next[phase];
      return result;
    } catch (error) {
      this.#channel?.close();
      throw error;
    }
  }
}

export function startJoining(options: JoinOptions): Joining {
  return new Joining(options);
}
