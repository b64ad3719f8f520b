import { type Crypto, crypto as defaultCrypto, type Random, type Secret } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { type Agreement, initiate, type MailPeer, type MailSelf, parseInitial, respond } from './agreement.ts';
import type { PrekeyBundle } from './bundle.ts';
import { maxMailPlaintext } from './limits.ts';
import { type MailMessage, parseMessage } from './message.ts';
import type { Prekeys } from './prekeys.ts';
import { ratchetDecrypt, ratchetEncrypt } from './ratchet.ts';
import { decodeState, encodeState, type MailState } from './state.ts';
import { mailVersions } from './version.ts';

/**
 * One end of a mail session. Immutable: `encrypt` and `decrypt` give the next session, which the caller stores durably
 * before it sends the message or acts on the plaintext; what throws leaves this one as it was.
 */
export class MailSession {
  readonly #state: MailState;
  readonly #crypto: Crypto;

  constructor(state: MailState, crypto: Crypto) {
    this.#state = state;
    this.#crypto = crypto;
  }

  /** Pinned when the session began. */
  get version(): number {
    return this.#state.version;
  }

  /** 32 bytes, the same at both ends, to tell two sessions with one peer apart. Not secret. */
  get id(): Uint8Array {
    return this.#state.transcript.slice();
  }

  /** Whether the peer has answered; until then each message repeats what began the session. */
  get awaitsAnswer(): boolean {
    return this.#state.initial !== null;
  }

  /** Began with last-resort keys, and no turn since: a thief of those keys could still read it. */
  get lastResort(): boolean {
    return this.#state.lastResort;
  }

  /** At most 240 KiB of plaintext. Throws `session.too_large`. */
  encrypt(plaintext: Uint8Array, random: Random): { session: MailSession; message: Uint8Array } {
    if (plaintext.length > maxMailPlaintext) throw fail('session.too_large', `${plaintext.length} bytes`);
    const { state, message } = ratchetEncrypt(this.#crypto, this.#state, plaintext, random);
    return { session: new MailSession(state, this.#crypto), message };
  }

  /**
   * Throws `mail.bad_message`: altered, or of another session; `mail.replayed`: already read, so acknowledge it;
   * `mail.too_many_skipped`: lost for good, or too far ahead; `session.bad_version`: not the pinned version.
   */
  decrypt(message: Uint8Array): { session: MailSession; plaintext: Uint8Array } {
    const parsed = parseMessage(message);
    if (parsed.version !== this.#state.version) throw fail('session.bad_version', `mail of version ${parsed.version}`);
    if (parsed.initial && !this.#crypto.equal(this.#crypto.sha256(parsed.initial), this.#state.initialDigest))
      throw fail('mail.bad_message', 'begins another session');
    const { state, plaintext } = ratchetDecrypt(this.#crypto, this.#state, parsed);
    return { session: new MailSession(state, this.#crypto), plaintext };
  }

  /** Everything, to be stored as the secret it is: at most 32 KiB. */
  toBytes(): Secret {
    return encodeState(this.#state);
  }

  /** Throws `session.bad_state`, and `session.bad_version` for a version we no longer speak. */
  static fromBytes(bytes: Secret, crypto: Crypto = defaultCrypto): MailSession {
    return new MailSession(decodeState(bytes), crypto);
  }
}

/** Whether a message can begin a session: if no session of this peer reads it, `acceptMail` may. Throws `mail.bad_message`. */
export function beginsSession(message: Uint8Array): boolean {
  return parseMessage(message).initial !== null;
}

/** Begins a session with a device, from its verified `prekeys` statement. Throws `mail.bad_prekeys`, `crypto.weak_point`. */
export function startMail(options: {
  readonly self: MailSelf;
  readonly peer: MailPeer;
  readonly bundle: PrekeyBundle;
  readonly random: Random;
  readonly crypto?: Crypto;
}): MailSession {
  const { self, peer, bundle, random, crypto = defaultCrypto } = options;
  const { agreement, initial } = initiate(crypto, self, peer, bundle, random);
  const state: MailState = {
    ...fresh(crypto, agreement, initial, bundle.oneTime === null),
    initial,
    peerKey: bundle.prekey,
    nextSendHeader: agreement.initiatorHeader,
    nextReceiveHeader: agreement.responderHeader,
  };
  return new MailSession(state, crypto);
}

/**
 * Reads a first message. Store `session` and `prekeys` in one step: the message's one-time keys are spent. Throws
 * `mail.unknown_prekeys`, `mail.replayed`, `mail.bad_message`, `session.bad_version`, `crypto.weak_point`.
 */
export function acceptMail(options: {
  readonly self: MailSelf;
  readonly peer: MailPeer;
  readonly prekeys: Prekeys;
  readonly message: Uint8Array;
  readonly crypto?: Crypto;
}): { session: MailSession; prekeys: Prekeys; plaintext: Uint8Array } {
  const { self, peer, prekeys, crypto = defaultCrypto } = options;
  const message: MailMessage = parseMessage(options.message);
  if (!message.initial) throw fail('mail.bad_message', 'does not begin a session');
  if (!mailVersions.includes(message.version)) throw fail('session.bad_version', `mail of version ${message.version}`);
  const digest = crypto.sha256(message.initial);
  const { bundle } = parseInitial(message.initial);
  const keys = prekeys.find(bundle, digest);
  const agreement = respond(crypto, message.version, self, peer, keys, message.initial);
  const state: MailState = {
    ...fresh(crypto, agreement, message.initial, keys.oneTime === null),
    ratchetKey: keys.prekey.secretKey,
    nextSendHeader: agreement.responderHeader,
    nextReceiveHeader: agreement.initiatorHeader,
  };
  // Nothing is spent before the message has proved that its sender is who the caller says.
  const { session, plaintext } = new MailSession(state, crypto).decrypt(options.message);
  return { session, plaintext, prekeys: prekeys.spend(bundle, digest) };
}

function fresh(crypto: Crypto, agreement: Agreement, initial: Uint8Array, lastResort: boolean) {
  return {
    version: agreement.version,
    transcript: agreement.transcript,
    initialDigest: crypto.sha256(initial),
    initial: null,
    lastResort,
    root: agreement.root,
    ratchetKey: null,
    peerKey: null,
    sending: null,
    previousLength: 0,
    receiving: null,
    earlier: [],
  };
}
