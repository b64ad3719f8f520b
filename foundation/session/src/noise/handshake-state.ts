import { CaponierError, type Crypto, concat, type KeyPair, type Random, Secret } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import type { CipherState } from './cipher-state.ts';
import type { DhToken, Token } from './pattern.ts';
import type { NoiseProtocol } from './protocol-name.ts';
import { SymmetricState } from './symmetric-state.ts';

export type Role = 'initiator' | 'responder';

/** Bytes of a Noise message (section 3). */
const maxNoiseMessage = 65_535;
const dhLength = 32;
const tagLength = 16;

export interface HandshakeOptions {
  readonly crypto: Crypto;
  readonly protocol: NoiseProtocol;
  readonly role: Role;
  readonly prologue: Uint8Array;
  /** Ephemeral keys are drawn from here: 32 bytes for `e`, 64 for `e1`, 32 coins for `ekem1`. */
  readonly random: Random;
  readonly staticKey?: KeyPair;
  readonly remoteStatic?: Uint8Array;
  /** One for each `psk` token, in their order. */
  readonly psks?: readonly Secret[];
}

export interface HandshakeResult {
  readonly send: CipherState;
  readonly receive: CipherState;
  readonly handshakeHash: Uint8Array;
  /** What the peer proved to hold, where the pattern has it. */
  readonly remoteStatic: Uint8Array | null;
}

/** Section 5.3. Any error ends the handshake for good: there is no second try with the same ephemeral keys. */
export class HandshakeState {
  readonly #crypto: Crypto;
  readonly #protocol: NoiseProtocol;
  readonly #initiator: boolean;
  readonly #random: Random;
  readonly #symmetric: SymmetricState;
  readonly #psks: Secret[];
  readonly #staticKey: KeyPair | null;
  #remoteStatic: Uint8Array | null;
  #ephemeral: KeyPair | null = null;
  #remoteEphemeral: Uint8Array | null = null;
  #kem: KeyPair | null = null;
  #remoteKem: Uint8Array | null = null;
  #message = 0;
  #failed = false;

  constructor(options: HandshakeOptions) {
    const { crypto, protocol, role, psks = [] } = options;
    const { pattern } = protocol;
    this.#crypto = crypto;
    this.#protocol = protocol;
    this.#initiator = role === 'initiator';
    this.#random = options.random;
    this.#staticKey = options.staticKey ?? null;
    this.#remoteStatic = options.remoteStatic ?? null;
    this.#psks = [...psks];
    const wanted = pattern.messages.flat().filter((token) => token === 'psk').length;
    if (psks.length !== wanted || psks.some((psk) => psk.length !== 32))
      throw fail('session.bad_handshake', `${wanted} pre-shared keys of 32 bytes are needed`);

    this.#symmetric = new SymmetricState(crypto, protocol);
    this.#symmetric.mixHash(options.prologue);
    if (pattern.initiatorStaticKnown) this.#symmetric.mixHash(this.#knownStatic(this.#initiator));
    if (pattern.responderStaticKnown) this.#symmetric.mixHash(this.#knownStatic(!this.#initiator));
  }

  get done(): boolean {
    return this.#message === this.#protocol.pattern.messages.length;
  }

  get myTurn(): boolean {
    return !this.done && (this.#message % 2 === 0) === this.#initiator;
  }

  write(payload: Uint8Array): Uint8Array {
    return this.#step(true, (tokens) => {
      const parts = tokens.map((token) => this.#writeToken(token));
      const message = concat(...parts, this.#symmetric.encryptAndHash(payload));
      if (message.length > maxNoiseMessage) throw fail('session.too_large', 'handshake message');
      return message;
    });
  }

  /** The payload. Throws `session.bad_handshake` for anything but the one message that fits here. */
  read(message: Uint8Array, maxPayload: number = maxNoiseMessage): Uint8Array {
    return this.#step(false, (tokens) => {
      if (message.length > maxNoiseMessage) throw fail('session.bad_handshake', 'message too long');
      let rest = message;
      const take = (length: number): Uint8Array => {
        if (rest.length < length) throw fail('session.bad_handshake', 'message too short');
        const part = rest.slice(0, length);
        rest = rest.subarray(length);
        return part;
      };
      for (const token of tokens) this.#readToken(token, take);
      const payload = this.#symmetric.decryptAndHash(rest);
      if (payload.length > maxPayload) throw fail('session.bad_handshake', 'the payload is too long');
      return payload;
    });
  }

  /** After the last message. The second cipher of a one-way pattern is not to be used. */
  finish(): HandshakeResult {
    if (this.#failed || !this.done) throw fail('session.bad_handshake', 'the handshake is not finished');
    this.#failed = true;
    const { handshakeHash } = this.#symmetric;
    const [first, second] = this.#symmetric.split();
    this.#wipe();
    const [send, receive] = this.#initiator ? [first, second] : [second, first];
    return { send, receive, handshakeHash, remoteStatic: this.#remoteStatic };
  }

  #step(writing: boolean, run: (tokens: readonly Token[]) => Uint8Array): Uint8Array {
    if (this.#failed || this.done || this.myTurn !== writing) throw fail('session.bad_handshake', 'out of turn');
    // Set first: whatever is thrown below, this handshake has ended.
    this.#failed = true;
    try {
      const result = run(this.#protocol.pattern.messages[this.#message]!);
      this.#message++;
      this.#failed = false;
      return result;
    } catch (error) {
      this.#symmetric.wipe();
      this.#wipe();
      // One code for every reason a peer's bytes fail; a weak point keeps its own, it is an attack worth naming.
      if (error instanceof CaponierError && !/^crypto\.(decrypt_failed|bad_)/.test(error.code)) throw error;
      throw fail('session.bad_handshake', 'the message does not decrypt', error);
    }
  }

  #writeToken(token: Token): Uint8Array {
    const crypto = this.#crypto;
    switch (token) {
      case 'e':
        this.#ephemeral = crypto.x25519.keyPair(Secret.from(this.#random(dhLength)));
        this.#mixEphemeral(this.#ephemeral.publicKey);
        return this.#ephemeral.publicKey;
      case 's':
        return this.#symmetric.encryptAndHash(this.#need(this.#staticKey).publicKey);
      case 'e1':
        this.#kem = crypto.mlkem768.keyPair(Secret.from(this.#random(64)));
        return this.#symmetric.encryptAndHash(this.#kem.publicKey);
      case 'ekem1': {
        const { ciphertext, shared } = crypto.mlkem768.encapsulate(this.#need(this.#remoteKem), this.#random(32));
        const sealed = this.#symmetric.encryptAndHash(ciphertext);
        this.#mixSecret(shared);
        return sealed;
      }
      default:
        return this.#mixToken(token);
    }
  }

  #readToken(token: Token, take: (length: number) => Uint8Array): void {
    const sealed = (length: number) => take(length + (this.#symmetric.hasKey ? tagLength : 0));
    const { mlkem768 } = this.#crypto;
    switch (token) {
      case 'e':
        this.#remoteEphemeral = take(dhLength);
        this.#mixEphemeral(this.#remoteEphemeral);
        return;
      case 's':
        this.#remoteStatic = this.#symmetric.decryptAndHash(sealed(dhLength));
        return;
      case 'e1':
        this.#remoteKem = this.#symmetric.decryptAndHash(sealed(mlkem768.publicKeyLength));
        return;
      case 'ekem1': {
        const ciphertext = this.#symmetric.decryptAndHash(sealed(mlkem768.ciphertextLength));
        this.#mixSecret(mlkem768.decapsulate(this.#need(this.#kem).secretKey, ciphertext));
        return;
      }
      default:
        this.#mixToken(token);
    }
  }

  /** Tokens that send nothing. */
  #mixToken(token: DhToken | 'psk'): Uint8Array {
    if (token === 'psk') {
      this.#symmetric.mixKeyAndHash(this.#need(this.#psks.shift()).expose());
    } else {
      const [initiatorKey, responderKey] = token;
      const [mine, theirs] = this.#initiator ? [initiatorKey, responderKey] : [responderKey, initiatorKey];
      const own = mine === 'e' ? this.#ephemeral : this.#staticKey;
      const remote = theirs === 'e' ? this.#remoteEphemeral : this.#remoteStatic;
      // Threat: a small-order key makes the result all zero, known to everybody. `sharedSecret` throws `crypto.weak_point`.
      this.#mixSecret(this.#crypto.x25519.sharedSecret(this.#need(own).secretKey, this.#need(remote)));
    }
    return new Uint8Array(0);
  }

  #mixSecret(shared: Secret): void {
    this.#symmetric.mixKey(shared.expose());
    shared.wipe();
  }

  /** Section 9.2: with a psk the ephemeral key randomises the cipher key as well. */
  #mixEphemeral(publicKey: Uint8Array): void {
    this.#symmetric.mixHash(publicKey);
    if (this.#protocol.usesPsk) this.#symmetric.mixKey(publicKey);
  }

  #knownStatic(own: boolean): Uint8Array {
    const key = own ? this.#staticKey?.publicKey : this.#remoteStatic;
    if (key?.length !== dhLength)
      throw fail('session.bad_handshake', 'the pattern needs a static key known beforehand');
    return key;
  }

  #need<T>(value: T | null | undefined): T {
    if (value === null || value === undefined) throw fail('session.bad_handshake', 'a key of the pattern is missing');
    return value;
  }

  #wipe(): void {
    this.#ephemeral?.secretKey.wipe();
    this.#kem?.secretKey.wipe();
  }
}
