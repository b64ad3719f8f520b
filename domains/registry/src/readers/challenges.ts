import { type CaponierError, crypto, fromBase64url, type Random, toBase64url } from '@caponier/crypto';
import { fail, limits, registryWire, type Signer, type Verified, verifyStatement } from '@caponier/protocol';
import { MAX_USED_CHALLENGES } from '../limits.ts';

export interface ChallengesOptions {
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly random: Random;
  /** This registry: the audience of every `hello`. */
  readonly signer: Pick<Signer, 'did'>;
  /** SHA-256 of our certificate (base64url), where TLS ends here; null behind a proxy and on loopback. */
  readonly tls: string | null;
}

/** 4 bytes of expiry, 12 random ones, 16 of HMAC. */
const macAt = 16;

/**
 * Fresh challenges for `hello`, without a table of those given out: an unauthenticated caller costs a hash and no memory.
 * What is remembered is which were answered, by somebody who could sign, until they lapse.
 */
export class Challenges {
  readonly #options: ChallengesOptions;
  readonly #key: Uint8Array;
  /** By challenge its expiry, in the order of use. */
  readonly #used = new Map<string, number>();

  constructor(options: ChallengesOptions) {
    this.#options = options;
    this.#key = options.random(32);
  }

  make(): registryWire.ChallengeAnswer {
    const expires = this.#now() + registryWire.registryChallengeSeconds;
    const bytes = new Uint8Array(32);
    new DataView(bytes.buffer).setUint32(0, expires);
    bytes.set(this.#options.random(macAt - 4), 4);
    bytes.set(this.#mac(bytes.subarray(0, macAt)), macAt);
    return { challenge: toBase64url(bytes), expires };
  }

  /** Who asks, proven. Each challenge is good once. Throws `registry.bad_hello`, `host.rate_limited`. */
  prove(jws: string): Verified<'hello'> {
    let hello: Verified<'hello'>;
    try {
      hello = verifyStatement(jws, 'hello');
    } catch (cause) {
      throw refused((cause as CaponierError).code);
    }
    const { aud, challenge, tls, iat, exp } = hello.payload;
    const now = this.#now();
    if (aud !== this.#options.signer.did) throw refused('for another registry');
    // Somebody between would show another certificate than ours.
    if (tls !== null && tls !== this.#options.tls) throw refused('over another certificate');
    if (exp < now || iat > now + limits.clockSkewSeconds) throw refused('not valid now');
    const bytes = fromBase64url(challenge);
    const expires = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    if (!crypto.equal(this.#mac(bytes.subarray(0, macAt)), bytes.subarray(macAt))) throw refused('not our challenge');
    if (expires < now) throw refused('challenge has lapsed');
    this.#take(challenge, expires, now);
    return hello;
  }

  #take(challenge: string, expires: number, now: number): void {
    if (this.#used.has(challenge)) throw refused('challenge was answered');
    for (const [old, lapses] of this.#used) {
      if (lapses >= now) break;
      this.#used.delete(old);
    }
    if (this.#used.size >= MAX_USED_CHALLENGES) throw fail('host.rate_limited', 'challenges');
    this.#used.set(challenge, expires);
  }

  #mac(bytes: Uint8Array): Uint8Array {
    return crypto.hmac('SHA256', this.#key, bytes).slice(0, 16);
  }

  #now(): number {
    return Math.floor(this.#options.clock() / 1000);
  }
}

function refused(detail: string): CaponierError {
  return fail('registry.bad_hello', detail);
}
