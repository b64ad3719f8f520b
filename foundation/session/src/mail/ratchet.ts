import { type Crypto, concat, type Random, Secret } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { associatedData, bodyCipher, ratchetChain, ratchetRoot, sealHeader, tryHeader } from './kdf.ts';
import { encodeMessage, type Header, type MailMessage, typeInitial, typeOrdinary } from './message.ts';
import { endChain, skipTo, takeSkipped, withinBounds } from './skipped.ts';
import type { MailState, ReceivingChain, SendingChain } from './state.ts';

/**
 * The Double Ratchet with header encryption (Signal, revision 4, section 4), as pure steps from state to state: what
 * throws has changed nothing. One departure: our next ratchet key is made when we send, not when the peer's arrives,
 * so that reading needs no randomness and the new key is as fresh as can be.
 */

/** Chains are numbered in 32 bits. */
const maxChainLength = 0xffff_ffff;

export function ratchetEncrypt(
  crypto: Crypto,
  state: MailState,
  plaintext: Uint8Array,
  random: Random,
): { state: MailState; message: Uint8Array } {
  const turned = state.sending ? { state, sending: state.sending } : turn(crypto, state, random);
  const { sending } = turned;
  if (sending.n >= maxChainLength) throw fail('session.closed', 'the chain is full');
  const ratchetKey = crypto.x25519.keyPair(turned.state.ratchetKey!).publicKey;
  const { version, initial, previousLength, transcript } = turned.state;
  const type = initial ? typeInitial : typeOrdinary;
  const nonce = random(12);
  const data = concat(...associatedData(transcript, type, version));
  const header = { ratchetKey, previousLength, n: sending.n };
  const sealedHeader = sealHeader(crypto, sending.headerKey, nonce, header, data);

  const { messageKey, chainKey } = ratchetChain(crypto, sending.chainKey);
  const body = bodyCipher(crypto, version, messageKey, nonce);
  const ciphertext = body.cipher.seal(body.nonce, plaintext, concat(data, nonce, sealedHeader));
  body.key.wipe();
  messageKey.wipe();
  return {
    state: { ...turned.state, sending: { ...sending, chainKey, n: sending.n + 1 } },
    message: encodeMessage({ type, version, initial, nonce, sealedHeader, ciphertext }),
  };
}

/** Throws `mail.bad_message`, `mail.replayed` or `mail.too_many_skipped`; `crypto.weak_point` for a ratchet key of small order. */
export function ratchetDecrypt(
  crypto: Crypto,
  state: MailState,
  message: MailMessage,
): { state: MailState; plaintext: Uint8Array } {
  const data = concat(...associatedData(state.transcript, message.type, message.version));
  const header = (key: Secret) => tryHeader(crypto, key, message, data);
  const open = (messageKey: Secret, next: MailState) => ({
    state: withinBounds(next),
    plaintext: openBody(crypto, state.version, messageKey, message, data),
  });

  const current = state.receiving && header(state.receiving.headerKey);
  if (state.receiving && current) {
    const { key, chain } = keyAt(crypto, state.receiving, current);
    return open(key, { ...state, receiving: chain });
  }
  const following = header(state.nextReceiveHeader);
  if (following) {
    const answered = answer(crypto, state, following);
    const { key, chain } = keyAt(crypto, answered.receiving, following);
    return open(key, { ...answered, receiving: chain });
  }
  for (const [i, chain] of state.earlier.entries()) {
    const late = header(chain.headerKey);
    if (!late) continue;
    const { key, rest } = takeSkipped(chain, late.n);
    return open(key, { ...state, earlier: state.earlier.with(i, rest) });
  }
  throw fail('mail.bad_message');
}

/** Our turn to send: a new ratchet key, agreed with the peer's last one. */
function turn(crypto: Crypto, state: MailState, random: Random): { state: MailState; sending: SendingChain } {
  if (!state.peerKey) throw fail('session.bad_state', 'nothing was received yet');
  const ratchetKey = Secret.from(random(32));
  const agreed = crypto.x25519.sharedSecret(ratchetKey, state.peerKey);
  const { root, chainKey, nextHeaderKey } = ratchetRoot(crypto, state.version, state.root, agreed);
  const sending = { headerKey: state.nextSendHeader, chainKey, n: 0 };
  return { state: { ...state, root, ratchetKey, sending, nextSendHeader: nextHeaderKey }, sending };
}

/** The peer's turn: it answered our ratchet key with a new one of its own. */
function answer(crypto: Crypto, state: MailState, header: Header): MailState & { receiving: ReceivingChain } {
  // A peer that skips its turn could only repeat what it knows: there is no key of ours to agree with.
  if (!state.ratchetKey) throw fail('mail.bad_message', 'an answer to nothing');
  if (!state.receiving && header.previousLength !== 0) throw fail('mail.bad_message', 'a chain before the first');
  const agreed = crypto.x25519.sharedSecret(state.ratchetKey, header.ratchetKey);
  const earlier = state.receiving
    ? [...state.earlier, endChain(crypto, state.receiving, header.previousLength)]
    : state.earlier;
  const { root, chainKey, nextHeaderKey } = ratchetRoot(crypto, state.version, state.root, agreed);
  return {
    ...state,
    // The first answer, either way, is agreed by keys that both made for this session.
    initial: null,
    lastResort: state.lastResort && state.sending === null,
    root,
    ratchetKey: null,
    peerKey: header.ratchetKey,
    previousLength: state.sending?.n ?? 0,
    sending: null,
    receiving: { headerKey: state.nextReceiveHeader, floor: 0, skipped: [], chainKey, n: 0 },
    nextReceiveHeader: nextHeaderKey,
    earlier,
  };
}

function keyAt(crypto: Crypto, chain: ReceivingChain, header: Header): { key: Secret; chain: ReceivingChain } {
  if (header.n < chain.n) {
    const { key, rest } = takeSkipped(chain, header.n);
    return { key, chain: rest };
  }
  const moved = skipTo(crypto, chain, header.n);
  const { messageKey, chainKey } = ratchetChain(crypto, moved.chainKey);
  return { key: messageKey, chain: { ...moved, chainKey, n: header.n + 1 } };
}

function openBody(crypto: Crypto, version: number, key: Secret, message: MailMessage, data: Uint8Array): Uint8Array {
  const body = bodyCipher(crypto, version, key, message.nonce);
  try {
    return body.cipher.open(body.nonce, message.ciphertext, concat(data, message.nonce, message.sealedHeader));
  } catch (cause) {
    throw fail('mail.bad_message', 'the body was altered', cause);
  } finally {
    body.key.wipe();
  }
}
