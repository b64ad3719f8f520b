import { CaponierError, fromBase64url, fromUtf8, toBase64url } from '@caponier/crypto';
import {
  type Did,
  decodeDid,
  type ErrorCode,
  fail,
  type Verified,
  verifyStatement,
  limits as wire,
} from '@caponier/protocol';
import { checkUnits, type Pace, unpaced } from '../door/proving.ts';
import { failUntil } from '../door/retry.ts';
import type { Standing } from '../owners/history.ts';
import type { Owners } from '../owners/owners.ts';
import type { KeepOwner } from '../store/owners.ts';
import type { ResumeTokens } from './resume.ts';

/** Whom the relay lets in besides proving who they are. It is owners that are admitted, with all their devices. */
export type AdmissionPolicy =
  | {
      readonly kind: 'open';
      /** A ticket of one of these opens the places that are reserved, and spares the rate of new owners. */
      readonly operators?: readonly Did[];
    }
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

/** Bounds how many owners come for the first time without a ticket. */
export interface NewOwners {
  /** Counts one. Yields 0, or the seconds until the next may come. */
  take(): number;
  /** It was none after all. */
  giveBack(): void;
}

/** How a proof is judged beside others. */
export interface Company {
  readonly pace: Pace;
  readonly newOwners: NewOwners;
}

/** For a proof that nobody else waits behind. */
const alone: Company = { pace: unpaced, newOwners: { take: () => 0, giveBack() {} } };

/** A device that has proven itself. */
export interface Admitted {
  readonly did: Did;
  readonly key: Uint8Array;
  /** Null for a service of this deployment. */
  readonly owner: string | null;
  readonly mode: 'exclusive' | 'shared';
  /** True where its owner was not known here before. */
  readonly isFirst: boolean;
  /** True where its owner was admitted less than a day ago, without a ticket and not by name. */
  readonly isNewcomer: boolean;
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

  /**
   * Whether a `hello` claims to be of a device that was here before: it goes before strangers. A claim and no more: whoever
   * makes it falsely fails one signature check later. Throws `relay.bad_hello` for what is none at all.
   */
  async isKnown({ hello, resume }: Pick<Proof, 'hello' | 'resume'>, slotOwner: SlotOwner): Promise<boolean> {
    try {
      return await this.#isKnown(hello, resume, slotOwner);
    } catch (error) {
      throw coded(error);
    }
  }

  async #isKnown(hello: string, resume: Uint8Array, slotOwner: SlotOwner): Promise<boolean> {
    const { owners, tokens, services, clock } = this.#options;
    const { kid, owner } = claimOf(hello);
    if (owner === null) return services.includes(kid);
    if (owners.inMemory(owner)) return owners.standing(owner, kid) === 'enrolled';
    if (resume.length > 0 && tokens.isGood(resume, kid, owner, clock())) return true;
    const { type, key } = decodeDid(kid);
    return type === 'ed25519' && (await slotOwner(key)) === owner;
  }

  /** Throws `relay.bad_hello`, `.not_admitted`, `.revoked`, `.frozen`, `.stale_chain`, `.stale_resume`, `.too_many`, `.rate_limited`, `.unavailable`. */
  async prove(proof: Proof, company: Company = alone): Promise<Admitted> {
    try {
      return await this.#prove(proof, company);
    } catch (error) {
      throw coded(error);
    }
  }

  async #prove({ challenge, hello: jws, ticket, resume, chain }: Proof, company: Company): Promise<Admitted> {
    const { policy, owners, tokens, services, clock } = this.#options;
    const { pace, newOwners } = company;
    await pace(2 * checkUnits);
    const hello = verifyStatement(jws, 'hello');
    const { type, key } = decodeDid(hello.kid);
    if (type !== 'ed25519') throw fail('relay.bad_hello', 'devices sign with Ed25519');
    this.#checkHello(hello, challenge);
    const { owner, mode } = hello.payload;
    const device = { did: hello.kid, key, owner, mode };
    if (owner === null) {
      if (!services.includes(hello.kid)) throw fail('relay.not_admitted', 'not a service of this deployment');
      return { ...device, isFirst: false, isNewcomer: false };
    }
    const known = await owners.known(owner, pace);
    const use = this.#admit(owner, known !== undefined, ticket);
    const counted = !known && !use && policy.kind === 'open';
    const wait = counted ? newOwners.take() : 0;
    if (wait > 0) throw failUntil('relay.rate_limited', 'new owners', wait);
    let standing: Standing = 'unknown';
    try {
      if (chain.length > 0) {
        const entrance = { ticket: use, isNamed: policy.kind === 'allowlist' };
        standing = await owners.learn(owner, hello.kid, chain, entrance, pace);
      } else {
        tokens.check(resume, hello.kid, owner, clock());
        if (!known) throw fail('relay.stale_resume', 'owner forgotten');
        standing = owners.standing(owner, hello.kid);
      }
    } finally {
      if (counted && standing !== 'enrolled') newOwners.giveBack();
    }
    if (standing !== 'enrolled') throw fail(refusalOf(standing), standing);
    const isNewcomer = policy.kind !== 'allowlist' && owners.isNewcomer(owner);
    return { ...device, isFirst: !known, isNewcomer };
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
    const { policy } = this.#options;
    if (policy.kind === 'open') {
      if (known || jws === '' || !policy.operators) return null;
      return this.#use(jws, policy.operators);
    }
    if (policy.kind === 'allowlist') {
      if (!policy.owners.includes(owner)) throw fail('relay.not_admitted', 'not on the list');
      return null;
    }
    if (known) return null;
    if (jws === '') throw fail('relay.not_admitted', 'no ticket');
    return this.#use(jws, policy.operators);
  }

  #use(jws: string, operators: readonly Did[]): NonNullable<KeepOwner['ticket']> {
    const { relay, clock } = this.#options;
    let ticket: Verified<'ticket'>;
    try {
      ticket = verifyStatement(jws, 'ticket');
      checkTimes(ticket.payload, clock());
    } catch (error) {
      throw fail('relay.not_admitted', 'ticket', error);
    }
    const { aud, uses, nonce } = ticket.payload;
    if (aud !== relay || !operators.includes(ticket.kid)) throw fail('relay.not_admitted', 'ticket of another');
    return { operator: ticket.kid, nonce, uses };
  }
}

/** The owner that a device's slot stands under, or null. */
export type SlotOwner = (device: Uint8Array) => Promise<string | null>;

/** Whom a `hello` says it is of, nothing verified: good for the order in which it is looked at, and for nothing else. */
function claimOf(jws: string): { readonly kid: Did; readonly owner: string | null } {
  try {
    const [header, payload] = jws.split('.', 2).map((part) => JSON.parse(fromUtf8(fromBase64url(part))));
    const { kid } = header as { kid: unknown };
    const { owner } = payload as { owner: unknown };
    if (typeof kid === 'string' && (owner === null || typeof owner === 'string')) return { kid: kid as Did, owner };
  } catch (error) {
    throw fail('relay.bad_hello', 'form', error);
  }
  throw fail('relay.bad_hello', 'form');
}

/** What a proof failed with, in the relay's own codes. */
function coded(error: unknown): CaponierError {
  const code = error instanceof CaponierError ? error.code : '';
  if (error instanceof CaponierError && code.startsWith('relay.')) return error;
  const isTheirs = ['statement.', 'owner.', 'crypto.'].some((domain) => code.startsWith(domain));
  return fail(isTheirs ? 'relay.bad_hello' : 'relay.unavailable', code, error);
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
