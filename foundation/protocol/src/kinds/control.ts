import * as z from 'zod/mini';
import {
  agentName,
  base64urlBytes,
  boxDid,
  custody,
  edDid,
  hash,
  integer,
  list,
  nonce,
  pattern,
  seconds,
  text,
  word,
} from './members.ts';

/** Kinds outside the chain that steer services and devices. */

const timed = { iat: seconds, exp: seconds, nonce };
const recorded = { iat: seconds, nonce };
/** For whoever reads it. */
const anyone = z.literal('any');

/** A further signature under a statement of the chain, by another root key or, for `thaw`, an approver. */
export const cosign = z.strictObject({ aud: hash, of: hash, ...timed });

/** Stops everything, one device or one agent, at once. `target`: a device key, an agent name, or null for all. */
export const freeze = z.strictObject({
  aud: hash,
  what: z.enum(['all', 'device', 'agent']),
  target: z.nullable(text(96)),
  ...recorded,
});

/** Where this deployment's services are, and how far their keys are from the agents. */
export const service = z.strictObject({
  aud: anyone,
  services: list(
    z.strictObject({
      role: z.enum(['relay', 'registry', 'witness', 'broker', 'gate', 'worker', 'web']),
      /** The worker's class; null for the others. */
      class: z.nullable(word),
      key: edDid,
      url: text(512),
      /** SHA-256 of the public key (SPKI) of the certificate, where it is self-signed; null where the web's authorities vouch or the address is loopback. */
      pin: z.nullable(hash),
      custody,
    }),
    64,
  ),
  ...recorded,
});

/** I am this key, here and now: the answer to a fresh challenge. */
export const hello = z.strictObject({
  aud: edDid,
  /** The owner whose device this is; null for a service. */
  owner: z.nullable(hash),
  challenge: base64urlBytes(32),
  /** `exclusive` replaces an older connection of the device; `shared` stands beside it. */
  mode: z.enum(['exclusive', 'shared']),
  /** SHA-256 of the public key (SPKI) of the certificate seen, where TLS ends at the service itself; null over loopback or a proxy. */
  tls: z.nullable(hash),
  ...timed,
});

/** Admission to a relay or registry, given out by its operator. */
export const ticket = z.strictObject({ aud: edDid, uses: integer(1, 100_000), ...timed });

/** An open code: who waits in which meeting, for what. Signed by the device that adds. */
export const code = z.strictObject({
  aud: edDid,
  owner: hash,
  meeting: hash,
  kind: z.enum(['member', 'controller', 'approver', 'contact', 'guest', 'room']),
  ...timed,
});

/** Keys with which mail to this device can begin. One statement carries at most one one-time key. */
export const prekeys = z.strictObject({
  aud: anyone,
  /** Versions of the mail session this device speaks; the sender takes the highest both know. */
  versions: list(integer(1, 255), 8, 1),
  box: boxDid,
  /** X25519. */
  prekey: base64urlBytes(32),
  /** ML-KEM-768. */
  kem: base64urlBytes(1184),
  /** X25519, used once; null in the last-resort bundle. */
  oneTime: z.nullable(base64urlBytes(32)),
  ...recorded,
});

/**
 * The recipient's device has this message of the device `aud`, durably. `digest`: SHA-256 of the sealed mail as it came,
 * which tells nobody what it says and the sender that it is the one it sent.
 */
export const delivered = z.strictObject({ aud: edDid, message: nonce, digest: hash, ...recorded });

/** Signed facts that contradict each other: statements or checkpoints, whole. */
export const alarm = z.strictObject({
  aud: anyone,
  code: z.string().check(z.regex(/^[a-z]+\.[a-z_]+$/)),
  facts: list(z.string().check(z.maxLength(4096)), 4, 1),
  ...recorded,
});

/** This key may do at most this, until then. `parent`: the delegation above it, null where the device itself signs. */
export const delegate = z.strictObject({
  aud: hash,
  device: edDid,
  key: edDid,
  agent: agentName,
  parent: z.nullable(hash),
  classes: list(word, 16, 1),
  ops: list(word, 32, 1),
  resources: list(pattern, 32, 1),
  ...timed,
});
