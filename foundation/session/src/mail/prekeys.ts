import { type Crypto, concat, crypto as defaultCrypto, type KeyPair, type Random, Secret } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { Reader, u8, u16 } from '../bytes.ts';
import { bundleId, type PrekeyBundle } from './bundle.ts';
import { maxOneTimeKeys, maxRemembered } from './limits.ts';
import { mailVersions } from './version.ts';

/** One pair of last-resort keys, and the digests of the first messages that began with them. */
interface Generation {
  readonly prekeySeed: Secret;
  readonly kemSeed: Secret;
  readonly seen: readonly Uint8Array[];
}

interface OneTime {
  readonly id: Uint8Array;
  /** 0: made under the current prekey; 1: under the one before. */
  readonly age: 0 | 1;
  readonly oneTimeSeed: Secret;
  readonly kemSeed: Secret;
}

interface State {
  readonly current: Generation;
  /** Kept for mail that is under way, until the next replacement. */
  readonly previous: Generation | null;
  readonly oneTime: readonly OneTime[];
}

/** The private halves that one bundle id leads to. */
export interface PrekeyMatch {
  readonly prekey: KeyPair;
  readonly kem: KeyPair;
  /** Null: last resort. */
  readonly oneTime: KeyPair | null;
}

const formatVersion = 1;

/** The private prekeys of a device. Immutable: each operation gives the next value, to be stored before its result is used. */
export class Prekeys {
  readonly #state: State;
  readonly #crypto: Crypto;

  private constructor(state: State, crypto: Crypto) {
    this.#state = state;
    this.#crypto = crypto;
  }

  static create(random: Random, crypto: Crypto = defaultCrypto): Prekeys {
    return new Prekeys({ current: generation(random), previous: null, oneTime: [] }, crypto);
  }

  /** One-time keys that are out and unused. */
  get oneTimeCount(): number {
    return this.#state.oneTime.length;
  }

  /** Whether so many sessions began with the last-resort keys that they should be replaced now. */
  get shouldRotate(): boolean {
    return this.#state.current.seen.length >= maxRemembered / 2;
  }

  /** The bundle for whoever comes when no one-time keys are left. `box` is the device's static X25519 public key. */
  lastResort(box: Uint8Array): PrekeyBundle {
    const { prekeySeed, kemSeed } = this.#state.current;
    const prekey = this.#crypto.x25519.keyPair(prekeySeed).publicKey;
    const kem = this.#crypto.mlkem768.keyPair(kemSeed).publicKey;
    return { versions: mailVersions, box, prekey, kem, oneTime: null };
  }

  /** `count` more one-time bundles, at most 100 out at once: the oldest make room. */
  addOneTime(box: Uint8Array, count: number, random: Random): { prekeys: Prekeys; bundles: PrekeyBundle[] } {
    if (count > maxOneTimeKeys) throw fail('session.too_large', `${count} one-time keys`);
    const { prekey, versions } = this.lastResort(box);
    const added: OneTime[] = [];
    const bundles = Array.from({ length: count }, () => {
      const oneTimeSeed = Secret.from(random(32));
      const kemSeed = Secret.from(random(64));
      const kem = this.#crypto.mlkem768.keyPair(kemSeed).publicKey;
      const bundle = { versions, box, prekey, kem, oneTime: this.#crypto.x25519.keyPair(oneTimeSeed).publicKey };
      added.push({ id: bundleId(this.#crypto, bundle), age: 0, oneTimeSeed, kemSeed });
      return bundle;
    });
    const oneTime = [...this.#state.oneTime, ...added].slice(-maxOneTimeKeys);
    return { prekeys: this.#with({ oneTime }), bundles };
  }

  /** New last-resort keys; those before stay usable until the next call, those before them are gone. */
  rotate(random: Random): Prekeys {
    const oneTime = this.#state.oneTime.filter((key) => key.age === 0).map((key) => ({ ...key, age: 1 as const }));
    return this.#with({ current: generation(random), previous: this.#state.current, oneTime });
  }

  /**
   * The keys a first message names by bundle id. Throws `mail.unknown_prekeys`: used up, replaced or never ours; and
   * `mail.replayed` for a first message that last-resort keys have already answered.
   */
  find(id: Uint8Array, messageDigest: Uint8Array): PrekeyMatch {
    const { x25519, mlkem768, equal } = this.#crypto;
    const { current, previous, oneTime } = this.#state;
    const key = oneTime.find((candidate) => equal(candidate.id, id));
    if (key) {
      return {
        prekey: x25519.keyPair((key.age === 0 ? current : previous!).prekeySeed),
        kem: mlkem768.keyPair(key.kemSeed),
        oneTime: x25519.keyPair(key.oneTimeSeed),
      };
    }
    const match = this.#lastResortOf(id);
    if (!match) throw fail('mail.unknown_prekeys');
    if (match.seen.some((digest) => equal(digest, messageDigest))) throw fail('mail.replayed', 'a first message');
    if (match.seen.length >= maxRemembered) throw fail('mail.unknown_prekeys', 'no replay memory left');
    return { prekey: x25519.keyPair(match.prekeySeed), kem: mlkem768.keyPair(match.kemSeed), oneTime: null };
  }

  /** After a first message has decrypted: its one-time keys are forgotten, or the message is remembered. */
  spend(id: Uint8Array, messageDigest: Uint8Array): Prekeys {
    const rest = this.#state.oneTime.filter((key) => !this.#crypto.equal(key.id, id));
    if (rest.length < this.#state.oneTime.length) return this.#with({ oneTime: rest });
    const match = this.#lastResortOf(id);
    const remember = <G extends Generation | null>(g: G): G =>
      g !== null && g === match ? { ...g, seen: [...g.seen, messageDigest] } : g;
    return this.#with({ current: remember(this.#state.current), previous: remember(this.#state.previous) });
  }

  /** Everything, to be stored as the secret it is. */
  toBytes(): Secret {
    const { current, previous, oneTime } = this.#state;
    const of = (g: Generation) => concat(g.prekeySeed.expose(), g.kemSeed.expose(), u16(g.seen.length), ...g.seen);
    return Secret.from(
      concat(
        u8(formatVersion),
        of(current),
        previous ? concat(u8(1), of(previous)) : u8(0),
        u8(oneTime.length),
        ...oneTime.map((k) => concat(k.id, u8(k.age), k.oneTimeSeed.expose(), k.kemSeed.expose())),
      ),
    );
  }

  /** Throws `session.bad_state`. */
  static fromBytes(bytes: Secret, crypto: Crypto = defaultCrypto): Prekeys {
    const reader = new Reader(bytes.expose());
    if (reader.u8() !== formatVersion) throw fail('session.bad_state', 'another format of prekeys');
    const readGeneration = (): Generation => {
      const prekeySeed = Secret.from(reader.take(32));
      const kemSeed = Secret.from(reader.take(64));
      const length = reader.u16();
      if (length > maxRemembered) throw fail('session.bad_state', 'too many remembered messages');
      return { prekeySeed, kemSeed, seen: Array.from({ length }, () => reader.take(32)) };
    };
    const current = readGeneration();
    const previous = reader.flag() ? readGeneration() : null;
    const length = reader.u8();
    if (length > maxOneTimeKeys) throw fail('session.bad_state', 'too many one-time keys');
    const oneTime = Array.from({ length }, (): OneTime => {
      const id = reader.take(32);
      const age = reader.flag() ? 1 : 0;
      if (age === 1 && !previous) throw fail('session.bad_state', 'a one-time key without its prekey');
      return { id, age, oneTimeSeed: Secret.from(reader.take(32)), kemSeed: Secret.from(reader.take(64)) };
    });
    reader.end();
    return new Prekeys({ current, previous, oneTime }, crypto);
  }

  #lastResortOf(id: Uint8Array): Generation | undefined {
    const none = new Uint8Array(0);
    return [this.#state.current, this.#state.previous].find((g): g is Generation => {
      if (!g) return false;
      const { versions, prekey, kem } = new Prekeys(
        { current: g, previous: null, oneTime: [] },
        this.#crypto,
      ).lastResort(none);
      return this.#crypto.equal(bundleId(this.#crypto, { versions, prekey, kem, oneTime: null }), id);
    });
  }

  #with(changed: Partial<State>): Prekeys {
    return new Prekeys({ ...this.#state, ...changed }, this.#crypto);
  }
}

function generation(random: Random): Generation {
  return { prekeySeed: Secret.from(random(32)), kemSeed: Secret.from(random(64)), seen: [] };
}
