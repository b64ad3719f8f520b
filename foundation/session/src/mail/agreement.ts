import { type Crypto, concat, type KeyPair, type Random, Secret, utf8 } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { prefixed, Reader, u8 } from '../bytes.ts';
import { bundleId, type PrekeyBundle } from './bundle.ts';
import type { PrekeyMatch } from './prekeys.ts';
import { mailLabel, mailVersions } from './version.ts';

/**
 * The first agreement, shaped like PQXDH (Signal, revision 3): three or four X25519 agreements and one ML-KEM-768
 * encapsulation, so that an eavesdropper needs to break both. Unlike PQXDH, everything public goes into the key
 * derivation: the KEM key as well, since a ciphertext alone does not bind it (re-encapsulation).
 */
export interface MailSelf {
  /** This device's `did:key`. */
  readonly device: string;
  /** Its static X25519 pair. */
  readonly box: KeyPair;
}

export interface MailPeer {
  readonly device: string;
  /** Its static X25519 key, from its verified enrolment. */
  readonly boxKey: Uint8Array;
}

export interface Agreement {
  readonly version: number;
  /** Hash over all public values: the associated data of every message of this session. */
  readonly transcript: Uint8Array;
  readonly root: Secret;
  /** Header keys of the first chain of each side. */
  readonly initiatorHeader: Secret;
  readonly responderHeader: Secret;
}

/** What a first message carries before the message itself. */
export const initialBytes = 32 + 32 + 1088;
export interface Initial {
  readonly ephemeral: Uint8Array;
  readonly bundle: Uint8Array;
  readonly ciphertext: Uint8Array;
}

export function parseInitial(bytes: Uint8Array): Initial {
  const reader = new Reader(bytes, (detail) => fail('mail.bad_message', detail));
  const initial = { ephemeral: reader.take(32), bundle: reader.take(32), ciphertext: reader.take(1088) };
  reader.end();
  return initial;
}

/** The highest version both speak. The offer is inside the bundle's id, so taking one away changes every key. */
function commonVersion(offered: readonly number[]): number {
  const version = offered.filter((v) => mailVersions.includes(v)).at(-1);
  if (version === undefined) throw fail('session.bad_version', 'no common version of mail');
  return version;
}

export function initiate(
  crypto: Crypto,
  self: MailSelf,
  peer: MailPeer,
  bundle: PrekeyBundle,
  random: Random,
): { agreement: Agreement; initial: Uint8Array } {
  if (!crypto.equal(bundle.box, peer.boxKey)) throw fail('mail.bad_prekeys', 'the static key is not the enrolled one');
  const version = commonVersion(bundle.versions);
  const { x25519, mlkem768 } = crypto;
  const ephemeral = x25519.keyPair(Secret.from(random(32)));
  const { ciphertext, shared } = mlkem768.encapsulate(bundle.kem, random(32));
  const initial = concat(ephemeral.publicKey, bundleId(crypto, bundle), ciphertext);
  const secrets = [
    x25519.sharedSecret(self.box.secretKey, bundle.prekey),
    x25519.sharedSecret(ephemeral.secretKey, peer.boxKey),
    x25519.sharedSecret(ephemeral.secretKey, bundle.prekey),
    ...(bundle.oneTime ? [x25519.sharedSecret(ephemeral.secretKey, bundle.oneTime)] : []),
    shared,
  ];
  ephemeral.secretKey.wipe();
  const from = { device: self.device, boxKey: self.box.publicKey };
  return { agreement: derive(crypto, version, from, peer, initial, secrets), initial };
}

/** `version` is the one the first message names. Throws `crypto.weak_point` for a key of small order. */
export function respond(
  crypto: Crypto,
  version: number,
  self: MailSelf,
  peer: MailPeer,
  keys: PrekeyMatch,
  initialPart: Uint8Array,
): Agreement {
  const { x25519, mlkem768 } = crypto;
  const { ephemeral, ciphertext } = parseInitial(initialPart);
  const secrets = [
    x25519.sharedSecret(keys.prekey.secretKey, peer.boxKey),
    x25519.sharedSecret(self.box.secretKey, ephemeral),
    x25519.sharedSecret(keys.prekey.secretKey, ephemeral),
    ...(keys.oneTime ? [x25519.sharedSecret(keys.oneTime.secretKey, ephemeral)] : []),
    mlkem768.decapsulate(keys.kem.secretKey, ciphertext),
  ];
  const to = { device: self.device, boxKey: self.box.publicKey };
  return derive(crypto, version, peer, to, initialPart, secrets);
}

function derive(
  crypto: Crypto,
  version: number,
  initiator: MailPeer,
  responder: MailPeer,
  initial: Uint8Array,
  secrets: readonly Secret[],
): Agreement {
  const transcript = crypto.sha256(
    mailLabel(version, 'transcript'),
    u8(version),
    prefixed(utf8(initiator.device)),
    prefixed(utf8(responder.device)),
    initiator.boxKey,
    responder.boxKey,
    initial,
  );
  // 32 bytes 0xff first, as X3DH section 2.2 has it: no input of an X25519 key begins so.
  const input = concat(new Uint8Array(32).fill(0xff), ...secrets.map((secret) => secret.expose()));
  const output = crypto.hkdf('SHA256', input, transcript, mailLabel(version, 'session'), 96);
  input.fill(0);
  for (const secret of secrets) secret.wipe();
  const [root, initiatorHeader, responderHeader] = [0, 32, 64].map((at) => Secret.from(output.slice(at, at + 32)));
  output.fill(0);
  return { version, transcript, root: root!, initiatorHeader: initiatorHeader!, responderHeader: responderHeader! };
}
