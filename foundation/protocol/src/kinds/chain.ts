import * as z from 'zod/mini';
import {
  agentSubject,
  boxDid,
  count,
  edDid,
  hash,
  integer,
  list,
  name,
  nonce,
  pattern,
  saltedDigest,
  seconds,
  signingDid,
  text,
  word,
} from './members.ts';

/** The kinds of an owner's chain (design section 3). Each names its place (`seq`, `prev`) and the state after it (`view`). */

const place = { owner: hash, seq: integer(1, 1_000_000_000), prev: hash, iat: seconds, view: hash };

const rootKeys = list(edDid, 16, 1);
const threshold = integer(1, 16);
const quorum = z.strictObject({ keys: list(edDid, 16), k: integer(0, 16) });
const roots = { keys: rootKeys, k: threshold, recovery: z.nullable(edDid), quorum };

/** The first statement: root keys and how many must sign. Its id is the owner's id for ever. */
export const owner = z.strictObject({ seq: z.literal(0), iat: seconds, nonce, ...roots, view: hash });

/** Replaces all earlier trust: only these services count for this owner. */
export const trust = z.strictObject({
  ...place,
  operators: list(edDid, 8),
  /** The log that orders this owner's statements; its key is the registry's. */
  log: z.strictObject({ origin: text(128), key: edDid }),
  broker: list(edDid, 8),
  gate: list(edDid, 8),
  workers: list(z.strictObject({ class: word, keys: list(edDid, 8, 1) }), 32),
  witnesses: list(z.strictObject({ name: text(128), key: edDid }), 16),
  /** How many witnesses must have signed a head. */
  k: integer(0, 16),
  relays: list(edDid, 8),
});

export const enroll = z.strictObject({
  ...place,
  device: edDid,
  box: boxDid,
  role: z.enum(['controller', 'member']),
  name,
});

export const revoke = z.strictObject({
  ...place,
  what: z.enum(['device', 'approver', 'grant']),
  /** A device or approver by its key, a grant by its id. */
  target: z.union([signingDid, hash]),
});

const ceiling = z.strictObject({
  per: z.enum(['hour', 'day', 'total']),
  uses: count,
});

/** What somebody may ask for, who decides about it, and how much at most. */
export const grant = z.strictObject({
  ...place,
  label: text(64),
  /** Whose requests it covers. `owner` null: this owner's own. `devices`: also requests a device makes for its person. */
  to: z.strictObject({
    owner: z.nullable(hash),
    agents: list(agentSubject, 16),
    devices: list(z.union([edDid, z.literal('*')]), 16),
  }),
  decides: z.enum(['broker', 'gate']),
  class: word,
  ops: list(word, 32, 1),
  resources: list(pattern, 64, 1),
  purpose: text(128),
  ceilings: list(ceiling, 4),
  /** How many approvals a use needs, and from whom (empty: any approver of the owner). */
  approvals: z.strictObject({ k: integer(0, 8), from: list(signingDid, 16) }),
  exp: z.nullable(seconds),
});

/** Somebody who may say yes: a passkey bound to the places it may be used from, or a device. */
export const approver = z.strictObject({
  ...place,
  key: signingDid,
  name,
  passkey: z.nullable(
    z.strictObject({
      rpId: text(253),
      origins: list(text(270), 8, 1),
      credential: z.string().check(z.regex(/^[A-Za-z0-9_-]{1,1364}$/)),
    }),
  ),
});

/** The policy in force from here on; the Cedar text travels beside. */
export const policy = z.strictObject({ ...place, name, body: saltedDigest });

/** The key epoch of a class of data: what was sealed under older epochs stays readable, new seals use this one. */
export const epoch = z.strictObject({ ...place, class: word, n: integer(1, 1_000_000) });

/** Lifts freezes by id. Signed by the recovery key, or by the root with the `cosign` of an approver that is not frozen. */
export const thaw = z.strictObject({ ...place, freezes: list(hash, 64, 1) });

/** New roots. Signed by the recovery key or the quorum; once by the root, to set the first recovery key. */
export const rotate = z.strictObject({ ...place, ...roots });
