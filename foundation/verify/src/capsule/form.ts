import { fromUtf8, utf8 } from '@caponier/crypto';
import { fail, formOf, registryWire } from '@caponier/protocol';
import * as z from 'zod/mini';
import { maxAnswerBodyBytes, maxUseBodyBytes } from '../worker/wire.ts';

/** Capsules and trust files as bytes: canonical JSON with no unknown members, so that one content has one spelling. */

/** Bytes of a capsule: the bodies of one call and its answers make nearly all of it. */
export const maxCapsuleBytes = 16 * 1024 * 1024;
/** Bytes of a trust file. */
export const maxTrustFileBytes = 4 * 1024 * 1024;
/** Uses of one permit that a capsule tells of. */
export const maxCapsuleUses = 4;

const jws = z.string().check(z.maxLength(16_384), z.regex(/^[\w-]+\.[\w-]+\.[\w-]+$/));
const hash = formOf('use').shape.request;
const count = formOf('permit').shape.event;
const base64url = (bytes: number) => z.string().check(z.maxLength(Math.ceil((bytes * 4) / 3)), z.regex(/^[\w-]*$/));
const list = <T extends z.core.$ZodType>(of: T, most: number) => z.array(of).check(z.maxLength(most));
/** A C2SP tlog-proof file. */
const logged = z.string().check(z.maxLength(32_768));
const path = list(z.string().check(z.regex(/^(<[\w-]{43}|[\w-]{43}>)$/)), 32);
const cosigns = list(jws, registryWire.registryMaxCosigns);

/** One event of a service's chain. `body` is what was salted and hashed. */
const event = z.strictObject({ index: count, prev: hash, salt: base64url(16), body: base64url(64 * 1024), logged });

/** A statement in force under the head's `view`; `path` null where it is the head itself. */
const member = z.strictObject({ statement: jws, path: z.nullable(path) });

const use = z.strictObject({
  /** Null where the caller did not hand it over: then the outcome alone names it. */
  use: z.nullable(jws),
  outcome: jws,
  /** The answer's body; null where there is none, or it is withheld. */
  body: z.nullable(base64url(maxAnswerBodyBytes)),
  /** The worker's own events of it; null where its chain was not asked. */
  worker: z.nullable(z.strictObject({ intent: event, outcome: event })),
  /** The decider's event that the worker reported it; null where it did not. */
  reported: z.nullable(event),
});

const capsule = z.strictObject({
  capsule: z.literal(1),
  /** The owner's chain at the decision: its newest statement, and what it leaves in force. */
  chain: z.strictObject({
    head: jws,
    cosigns,
    logged,
    roots: z.nullable(path),
    trust: z.nullable(path),
    members: list(member, 40),
  }),
  request: jws,
  /** The parameters; null where there are none, or they are withheld. */
  body: z.nullable(base64url(maxUseBodyBytes)),
  delegations: list(jws, 3),
  approvals: list(jws, 8),
  permit: jws,
  /** The text that the gate evaluated; null where a grant alone decided. */
  policy: z.nullable(z.string().check(z.maxLength(8192))),
  decision: event,
  uses: list(use, maxCapsuleUses),
});

const trustFile = z.strictObject({
  trust: z.literal(1),
  /** Seconds since the epoch: every `rotate` and `trust` up to then is here. */
  asOf: formOf('use').shape.iat,
  statements: list(z.strictObject({ statement: jws, cosigns }), 512),
});

export type Capsule = z.infer<typeof capsule>;
export type CapsuleEvent = z.infer<typeof event>;
export type CapsuleUse = z.infer<typeof use>;
export type TrustFile = z.infer<typeof trustFile>;

export const encodeCapsule = (content: Capsule): Uint8Array => utf8(JSON.stringify(capsule.parse(content)));
export const encodeTrustFile = (content: TrustFile): Uint8Array => utf8(JSON.stringify(trustFile.parse(content)));

/** Form alone. Throws `capsule.malformed`. */
export const decodeCapsule = (bytes: Uint8Array): Capsule =>
  decode(capsule, bytes, maxCapsuleBytes, 'capsule.malformed');

/** Form alone. Throws `capsule.bad_trust_file`. */
export const decodeTrustFile = (bytes: Uint8Array): TrustFile =>
  decode(trustFile, bytes, maxTrustFileBytes, 'capsule.bad_trust_file');

function decode<S extends z.ZodMiniType>(
  schema: S,
  bytes: Uint8Array,
  most: number,
  code: 'capsule.malformed' | 'capsule.bad_trust_file',
): z.infer<S> {
  if (bytes.length > most) throw fail(code, `${bytes.length} bytes`);
  let text: string;
  let value: unknown;
  try {
    text = fromUtf8(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw fail(code, 'not JSON', cause);
  }
  const form = schema.safeParse(value);
  if (!form.success) throw fail(code, form.error.issues[0]?.path.join('.') ?? '');
  if (JSON.stringify(form.data) !== text) throw fail(code, 'not canonical');
  return form.data;
}
