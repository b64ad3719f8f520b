import { type CaponierError, crypto, fromBase64url, type Random, toBase64url } from '@caponier/crypto';
import { type Did, type ErrorCode, fail, limits, type Verified, verifyStatement } from '@caponier/protocol';

/** Seconds within which a challenge is answered. */
export const challengeSeconds = 60;
/**
 * Answered challenges remembered until they lapse; above it `host.rate_limited`. Anybody can answer with a key of his own, so
 * it is more than a few addresses may ask for in that time: else they would lock out every service and device.
 */
export const maxUsedChallenges = 200_000;

export interface ChallengesOptions {
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly random: Random;
  /** The service that asks: the audience of every `hello`. */
  readonly service: Did;
  /** SHA-256 of its certificate (base64url), where TLS ends there; null behind a proxy and on loopback. */
  readonly tls: string | null;
  /** How it refuses. */
  readonly refusal: ErrorCode;
}

/** 4 bytes of expiry, 12 random ones, 16 of HMAC. */
const macAt = 16;

/**
 * Fresh challenges for `hello`, without a table of those given out: an unauthenticated caller costs a hash and no memory.
 * What is remembered is which were answered, by somebody who could sign, until they lapse.
 */
export class HelloChallenges {
  readonly #options: ChallengesOptions;
  readonly #key: Uint8Array;
  /** By challenge its expiry, in the order of use. */
  readonly #used = new Map<string, number>();

  constructor(options: ChallengesOptions) {
    this.#options = options;
    this.#key = options.random(32);
  }

  make(): { challenge: string; expires: number } {
    const expires = this.#now() + challengeSeconds;
    const bytes = new Uint8Array(32);
    new DataView(bytes.buffer).setUint32(0, expires);
    bytes.set(this.#options.random(macAt - 4), 4);
    bytes.set(this.#mac(bytes.subarray(0, macAt)), macAt);
    return { challenge: toBase64url(bytes), expires };
  }

  /** Who asks, proven: whether they may is for the owner's view to say. Throws the refusal, or `host.rate_limited`. */
  prove(jws: string): Verified<'hello'> {
    let hello: Verified<'hello'>;
    try {
      hello = verifyStatement(jws, 'hello');
    } catch (cause) {
      throw this.#refused((cause as CaponierError).code);
    }
    const { aud, challenge, tls, iat, exp } = hello.payload;
    const now = this.#now();
    if (aud !== this.#options.service) throw this.#refused('for another service');
    // Somebody between would show another certificate than ours.
    if (tls !== null && tls !== this.#options.tls) throw this.#refused('over another certificate');
    if (exp < now || iat > now + limits.clockSkewSeconds) throw this.#refused('not valid now');
    const bytes = fromBase64url(challenge);
    const expires = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    if (!crypto.equal(this.#mac(bytes.subarray(0, macAt)), bytes.subarray(macAt))) throw this.#refused('not ours');
    if (expires < now) throw this.#refused('lapsed');
    this.#take(challenge, expires, now);
    return hello;
  }

  #take(challenge: string, expires: number, now: number): void {
    if (this.#used.has(challenge)) throw this.#refused('answered before');
    for (const [old, lapses] of this.#used) {
      if (lapses >= now) break;
      this.#used.delete(old);
    }
    if (this.#used.size >= maxUsedChallenges) throw fail('host.rate_limited', 'challenges');
    this.#used.set(challenge, expires);
  }

  #mac(bytes: Uint8Array): Uint8Array {
    return crypto.hmac('SHA256', this.#key, bytes).slice(0, 16);
  }

  #refused(detail: string): CaponierError {
    return fail(this.#options.refusal, detail);
  }

  #now(): number {
    return Math.floor(this.#options.clock() / 1000);
  }
}
