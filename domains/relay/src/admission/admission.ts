import { CaponierError, toBase64url } from '@caponier/crypto';
import {
  type Did,
  decodeDid,
  type ErrorCode,
  fail,
  type Verified,
  verifyStatement,
  limits as wire,
} from '@caponier/protocol';
import type { Standing } from '../owners/history.ts';
import type { Owners } from '../owners/owners.ts';
import type { KeepOwner } from '../store/owners.ts';
import type { ResumeTokens } from './resume.ts';

/** Whom the relay lets in besides proving who they are. It is owners that are admitted, with all their devices. */
export type AdmissionPolicy =
  | { readonly kind: 'open' }
  /** A new owner shows a ticket signed by one of these operators; owners known already need none. */
  | { readonly kind: 'ticket'; readonly operators: readonly Did[] }
  /** These owners only, by id. */
  | { readonly kind: 'allowlist'; readonly owners: readonly string[] };

/** Seconds a `hello` may be made to live: it answers a challenge that is seconds old. */
export const maxHelloSeconds = 600;

/** What a connection shows to be let in. */
export interface Proof {
  /** The challenge that this connection was given. */
  readonly challenge: Uint8Array;
  /** Compact `hello` statement. */
  readonly hello: string;
  /** Compact `ticket` statement, or empty. */
  readonly ticket: string;
  /** Resume token, or empty. */
  readonly resume: Uint8Array;
  /** The owner's membership statements; may be empty beside a token. */
  readonly chain: readonly string[];
}

/** A device that has proven itself. */
export interface Admitted {
  readonly did: Did;
  readonly key: Uint8Array;
  /** Null for a service of this deployment. */
  readonly owner: string | null;
  readonly mode: 'exclusive' | 'shared';
  /** True where its owner was not known here before. */
  readonly isFirst: boolean;
}

export interface AdmissionOptions {
  /** The relay's own key: what a `hello` must name. */
  readonly relay: Did;
  readonly policy: AdmissionPolicy;
  readonly owners: Owners;
  readonly tokens: ResumeTokens;
  /** Services that may connect without an owner. */
  readonly services: readonly Did[];
  /** The pin of the certificate, as clients know it, where TLS ends here; null elsewhere. */
  readonly tls: string | null;
  /** Milliseconds. */
  readonly clock: () => number;
}

/**
 * The one way to a slot. A slot is a device key, and belongs to whoever the owner's signed chain says, from the very
 * first contact: no name is taken on trust because it came first.
 *
 * Checks, cheapest first: form and signature of `hello`; that it names this relay, this challenge, this channel, this
 * time; admission; token or chain; the device's standing by everything known. Free of sockets, so that it can be tried
 * a million times in process.
 */
export class Admission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Why a device that was proven may not stay, by what is known now; null where it may. */
  objection({ owner, did }: Admitted): ErrorCode | null {
    const standing = owner === null ? 'enrolled' : this.#options.owners.standing(owner, did);
    return standing === 'enrolled' ? null : refusalOf(standing);
  }

  /** Throws `relay.bad_hello`, `.not_admitted`, `.revoked`, `.frozen`, `.stale_chain`, `.stale_resume`, `.too_many`, `.unavailable`. */
  async prove(proof: Proof): Promise<Admitted> {
    try {
      return await this.#prove(proof);
    } catch (error) {
      const code = error instanceof CaponierError ? error.code : '';
      if (code.startsWith('relay.')) throw error;
      if (code.startsWith('statement.') || code.startsWith('owner.') || code.startsWith('crypto.')) {
        throw fail('relay.bad_hello', code, error);
      }
      throw fail('relay.unavailable', code, error);
    }
  }

  async #prove({ challenge, hello: jws, ticket, resume, chain }: Proof): Promise<Admitted> {
    const { owners, tokens, services, clock } = this.#options;
    const hello = verifyStatement(jws, 'hello');
    const { type, key } = decodeDid(hello.kid);
    if (type !== 'ed25519') throw fail('relay.bad_hello', 'devices sign with Ed25519');
    this.#checkHello(hello, challenge);
    const { owner, mode } = hello.payload;
    const device = { did: hello.kid, key, owner, mode };
    if (owner === null) {
      if (!services.includes(hello.kid)) throw fail('relay.not_admitted', 'not a service of this deployment');
      return { ...device, isFirst: false };
    }
    const known = await owners.known(owner);
    const use = this.#admit(owner, known !== undefined, ticket);
    let standing: Standing;
    if (chain.length > 0) {
      standing = await owners.learn(owner, hello.kid, chain, use);
    } else {
      tokens.check(resume, hello.kid, owner, clock());
      if (!known) throw fail('relay.stale_resume', 'owner forgotten');
      standing = owners.standing(owner, hello.kid);
    }
    if (standing !== 'enrolled') throw fail(refusalOf(standing), standing);
    return { ...device, isFirst: !known };
  }

  #checkHello({ payload }: Verified<'hello'>, challenge: Uint8Array): void {
    const { relay, tls, clock } = this.#options;
    if (payload.aud !== relay) throw fail('relay.bad_hello', 'for another relay');
    if (payload.challenge !== toBase64url(challenge)) throw fail('relay.bad_hello', 'for another challenge');
    // Whoever can see the certificate must have seen ours, or somebody stands between; browsers cannot, and say null.
    if (tls !== null && payload.tls !== null && payload.tls !== tls)
      throw fail('relay.bad_hello', 'for another channel');
    checkTimes(payload, clock());
    if (payload.exp - payload.iat > maxHelloSeconds) throw fail('relay.bad_hello', 'lives too long');
  }

  /** The use of a ticket that admits a new owner; null where none is needed. Throws `relay.not_admitted`. */
  #admit(owner: string, known: boolean, jws: string): KeepOwner['ticket'] {
    const { policy, relay, clock } = this.#options;
    if (policy.kind === 'open') return null;
    if (policy.kind === 'allowlist') {
      if (!policy.owners.includes(owner)) throw fail('relay.not_admitted', 'not on the list');
      return null;
    }
    if (known) return null;
    if (jws === '') throw fail('relay.not_admitted', 'no ticket');
    let ticket: Verified<'ticket'>;
    try {
      ticket = verifyStatement(jws, 'ticket');
      checkTimes(ticket.payload, clock());
    } catch (error) {
      throw fail('relay.not_admitted', 'ticket', error);
    }
    const { aud, uses, nonce } = ticket.payload;
    if (aud !== relay || !policy.operators.includes(ticket.kid)) throw fail('relay.not_admitted', 'ticket of another');
    return { operator: ticket.kid, nonce, uses };
  }
}

/** Why a device that stands like this is not let in, or is cut. */
export function refusalOf(standing: Exclude<Standing, 'enrolled'>): ErrorCode {
  if (standing === 'revoked') return 'relay.revoked';
  if (standing === 'frozen') return 'relay.frozen';
  return standing === 'withheld' ? 'relay.unavailable' : 'relay.bad_hello';
}

function checkTimes({ iat, exp }: { readonly iat: number; readonly exp: number }, now: number): void {
  const seconds = now / 1000;
  if (iat > seconds + wire.clockSkewSeconds) throw fail('relay.bad_hello', 'from the future');
  if (exp <= seconds - wire.clockSkewSeconds) throw fail('relay.bad_hello', 'expired');
}
