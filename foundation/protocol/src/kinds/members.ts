import * as z from 'zod/mini';
import { type BoxDid, type Did, isDid } from '../did.ts';

/** The member forms that statements are made of. Every string is bounded, every number an integer: JSON has no others here. */

/** SHA-256 as canonical base64url: 43 characters, the last carrying two zero bits. */
const hashPattern = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
/** 16 bytes as canonical base64url. */
const noncePattern = /^[A-Za-z0-9_-]{21}[AQgw]$/;
/** Lower case only, so that two names never look the same on a card. */
const namePattern = /^[a-z0-9][a-z0-9._-]{0,31}$/;
const agentPattern = /^[a-z0-9][a-z0-9._-]{0,31}@[a-z0-9][a-z0-9._-]{0,31}$/;
/** An operation or class: `secret.use`, `memory`. */
const wordPattern = /^[a-z][a-z0-9-]{0,31}(\.[a-z][a-z0-9-]{0,31})?$/;
/** Printable ASCII without space: what a resource may be called. */
const resourcePattern = /^[\x21-\x7e]{1,256}$/;
/** Any text a person reads, without control or bidirectional override characters (they could forge a card). */
const textPattern = /^[^\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]*$/u;

export const hash = z.string().check(z.regex(hashPattern));
export const nonce = z.string().check(z.regex(noncePattern));
export const name = z.string().check(z.regex(namePattern));
export const agentName = z.string().check(z.regex(agentPattern));
export const word = z.string().check(z.regex(wordPattern));
export const resource = z.string().check(z.regex(resourcePattern));
export const text = (most: number) => z.string().check(z.maxLength(most), z.regex(textPattern));
export const integer = (least: number, most: number) => z.int().check(z.gte(least), z.lte(most));
/** Seconds since the epoch (RFC 7519 NumericDate, whole), up to the year 9999. */
export const seconds = integer(0, 253_402_300_799);
/** Amounts and counts stay below 2^53, so that no reader rounds them. */
export const count = integer(0, Number.MAX_SAFE_INTEGER);

export const edDid = z.custom<Did>((v) => typeof v === 'string' && isDid(v, 'ed25519'));
export const signingDid = z.custom<Did>((v) => typeof v === 'string' && isDid(v, 'ed25519', 'p256'));
export const boxDid = z.custom<BoxDid>((v) => typeof v === 'string' && isDid(v, 'x25519'));

export const list = <T extends z.core.$ZodType>(of: T, most: number, least = 0) =>
  z.array(of).check(z.minLength(least), z.maxLength(most));

/** SHA-256 of `salt ‖ body`: the body travels beside and can be withheld without breaking a signature. */
export const saltedDigest = z.strictObject({ salt: nonce, digest: hash });

/** Canonical base64url of exactly `bytes` bytes. */
export const base64urlBytes = (bytes: number) => {
  const length = Math.ceil((bytes * 8) / 6);
  const last = { 0: /[A-Za-z0-9_-]$/, 1: /[AQgw]$/, 2: /[AEIMQUYcgkosw048]$/ }[(bytes % 3) as 0 | 1 | 2];
  return z.string().check(z.length(length), z.regex(/^[A-Za-z0-9_-]*$/), z.regex(last));
};

/** An agent or resource pattern: exact, or with one `*` at the end; `*@*`-like for agent names. */
export const pattern = z.string().check(z.regex(/^[\x21-\x29\x2b-\x7e]{0,256}\*?$/), z.minLength(1), z.maxLength(256));
export const agentSubject = z
  .string()
  .check(z.regex(/^([a-z0-9][a-z0-9._-]{0,31}|\*)@([a-z0-9][a-z0-9._-]{0,31}|\*)$/));

export type Custody = z.infer<typeof custody>;
/** How far a service's keys are from the agent: claimed by whoever signs it, shown as claimed (design section 1). */
export const custody = z.enum(['same-user', 'other-user', 'other-machine', 'other-operator']);
