import { concat, Secret } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { Reader, u8, u16, u32 } from '../bytes.ts';
import { initialBytes } from './agreement.ts';
import { maxEarlierChains, maxSessionStateBytes, maxSkippedKeys } from './limits.ts';
import { mailVersions } from './version.ts';

export interface SkippedKey {
  readonly n: number;
  readonly key: Secret;
}

/** What is known of a chain of the peer besides its chain key. */
export interface ChainMemory {
  readonly headerKey: Secret;
  /** Below this, keys may have been dropped for room: such a mail is lost, not repeated. */
  readonly floor: number;
  /** Ascending by `n`. */
  readonly skipped: readonly SkippedKey[];
}

export interface ReceivingChain extends ChainMemory {
  readonly chainKey: Secret;
  /** Messages seen or skipped so far. */
  readonly n: number;
}

export interface SendingChain {
  readonly headerKey: Secret;
  readonly chainKey: Secret;
  readonly n: number;
}

/** Everything one end knows of a mail session. Immutable; the names in brackets are those of Signal's specification. */
export interface MailState {
  readonly version: number;
  readonly transcript: Uint8Array;
  /** Digest of what began the session, to know its repetition. */
  readonly initialDigest: Uint8Array;
  /** The initiator's, until the first answer. */
  readonly initial: Uint8Array | null;
  readonly lastResort: boolean;
  /** [RK] */
  readonly root: Secret;
  /** Our ratchet key that the peer may answer to [DHs]; null from its answer until we send again. */
  readonly ratchetKey: Secret | null;
  /** [DHr] */
  readonly peerKey: Uint8Array | null;
  /** [CKs, HKs, Ns]; null until we send for the first time after the peer's turn. */
  readonly sending: SendingChain | null;
  /** [PN] */
  readonly previousLength: number;
  /** [NHKs] */
  readonly nextSendHeader: Secret;
  /** [CKr, HKr, Nr] */
  readonly receiving: ReceivingChain | null;
  /** [NHKr] */
  readonly nextReceiveHeader: Secret;
  /** [MKSKIPPED] of chains that are over, oldest first. */
  readonly earlier: readonly ChainMemory[];
}

const formatVersion = 1;

const optional = (part: Uint8Array | null | undefined): Uint8Array => (part ? concat(u8(1), part) : u8(0));

function encodeMemory(chain: ChainMemory): Uint8Array {
  const keys = chain.skipped.map(({ n, key }) => concat(u32(n), key.expose()));
  return concat(chain.headerKey.expose(), u32(chain.floor), u16(keys.length), ...keys);
}

export function encodeState(s: MailState): Secret {
  return Secret.from(
    concat(
      u8(formatVersion),
      u8(s.version),
      s.transcript,
      s.initialDigest,
      optional(s.initial),
      u8(s.lastResort ? 1 : 0),
      s.root.expose(),
      optional(s.ratchetKey?.expose()),
      optional(s.peerKey),
      optional(s.sending && concat(s.sending.headerKey.expose(), s.sending.chainKey.expose(), u32(s.sending.n))),
      u32(s.previousLength),
      s.nextSendHeader.expose(),
      optional(s.receiving && concat(encodeMemory(s.receiving), s.receiving.chainKey.expose(), u32(s.receiving.n))),
      s.nextReceiveHeader.expose(),
      u8(s.earlier.length),
      ...s.earlier.map(encodeMemory),
    ),
  );
}

/** Throws `session.bad_state` for whatever `encodeState` would not have written. */
export function decodeState(bytes: Secret): MailState {
  if (bytes.length > maxSessionStateBytes) throw fail('session.bad_state', 'too large');
  const reader = new Reader(bytes.expose());
  const secret = () => Secret.from(reader.take(32));
  const maybe = <T>(read: () => T): T | null => (reader.flag() ? read() : null);
  let keys = 0;
  const memory = (): ChainMemory => {
    const headerKey = secret();
    const floor = reader.u32();
    const count = reader.u16();
    keys += count;
    if (keys > maxSkippedKeys) throw fail('session.bad_state', 'too many skipped keys');
    const skipped = Array.from({ length: count }, () => ({ n: reader.u32(), key: secret() }));
    if (skipped.some((key, i) => i > 0 && key.n <= skipped[i - 1]!.n))
      throw fail('session.bad_state', 'skipped keys are not in order');
    return { headerKey, floor, skipped };
  };

  if (reader.u8() !== formatVersion) throw fail('session.bad_state', 'another format of session');
  const version = reader.u8();
  if (!mailVersions.includes(version)) throw fail('session.bad_version', 'stored session');
  const state: MailState = {
    version,
    transcript: reader.take(32),
    initialDigest: reader.take(32),
    initial: maybe(() => reader.take(initialBytes)),
    lastResort: reader.flag(),
    root: secret(),
    ratchetKey: maybe(secret),
    peerKey: maybe(() => reader.take(32)),
    sending: maybe(() => ({ headerKey: secret(), chainKey: secret(), n: reader.u32() })),
    previousLength: reader.u32(),
    nextSendHeader: secret(),
    receiving: maybe(() => ({ ...memory(), chainKey: secret(), n: reader.u32() })),
    nextReceiveHeader: secret(),
    earlier: Array.from({ length: reader.u8() }, memory),
  };
  reader.end();
  if (state.earlier.length > maxEarlierChains) throw fail('session.bad_state', 'too many chains');
  if (state.receiving?.skipped.some((key) => key.n >= state.receiving!.n))
    throw fail('session.bad_state', 'a skipped key ahead of its chain');
  return state;
}
