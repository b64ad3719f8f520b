import * as z from 'zod/mini';
import {
  agentName,
  count,
  custody,
  edDid,
  hash,
  integer,
  list,
  nonce,
  resource,
  saltedDigest,
  seconds,
  text,
  word,
} from './members.ts';

/** One life of a request: `request → permit (ask → approval → permit) → use → outcome` (design section 3). */

const timed = { iat: seconds, exp: seconds, nonce };

const currency = z.string().check(z.regex(/^[A-Z]{3,5}$/));
/** An exact amount: whole units of the smallest denomination. */
const amount = z.strictObject({ units: count, currency });

/** Do exactly this. */
export const request = z.strictObject({
  /** The worker's key. */
  aud: edDid,
  owner: hash,
  device: edDid,
  /** The agent that asks; null where the device asks for its person. */
  agent: z.nullable(agentName),
  /** From the device's delegation down to the signing key; empty where the device signs. */
  delegations: list(hash, 3),
  grant: hash,
  class: word,
  op: word,
  resource,
  purpose: text(256),
  /** What the request may cost; null where it moves no money. */
  amount: z.nullable(amount),
  /** How many uses are asked for. */
  uses: integer(1, 10_000),
  /** The parameters, which travel beside; null where there are none. */
  body: z.nullable(saltedDigest),
  ...timed,
});

/** The answer to one request. `uses` counts only where the decision is `allow`. */
export const permit = z.strictObject({
  aud: edDid,
  owner: hash,
  request: hash,
  approvals: list(hash, 8),
  decision: z.enum(['allow', 'deny', 'ask']),
  uses: integer(0, 10_000),
  code: z.string().check(z.regex(/^[a-z]+\.[a-z_]+$/)),
  /** The rule that decided, by its annotation; empty where a grant alone did. */
  rule: text(64),
  grant: hash,
  policy: z.nullable(hash),
  budget: z.nullable(z.strictObject({ name: text(64), currency, before: count, after: count })),
  /** Index of the event in the issuer's chain. */
  event: count,
  custody,
  ...timed,
});

/** A person's answer to an `ask`; `aud` is the gate that asked. */
export const approval = z.strictObject({
  aud: edDid,
  owner: hash,
  decision: z.enum(['allow', 'deny']),
  request: hash,
  policy: z.nullable(hash),
  ...timed,
});

/** I use this permit now, for exactly this call. */
export const use = z.strictObject({
  aud: edDid,
  permit: hash,
  request: hash,
  method: z.enum(['GET', 'PUT', 'POST', 'DELETE']),
  path: z.string().check(z.regex(/^\/[\x21-\x7e]{0,511}$/)),
  /** SHA-256 of the body of this call. */
  body: hash,
  counter: integer(0, 4_294_967_295),
  ...timed,
});

/** What came of it. `aud` is the owner. */
export const outcome = z.strictObject({
  aud: hash,
  request: hash,
  permit: hash,
  use: hash,
  result: z.enum(['done', 'refused', 'unknown']),
  code: z.string().check(z.regex(/^[a-z]+\.[a-z_]+$/)),
  body: z.nullable(saltedDigest),
  event: count,
  iat: seconds,
  nonce,
});
