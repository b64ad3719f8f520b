import { crypto } from '@caponier/crypto';
import { type Did, decodeDid } from '../did.ts';
import { fail } from '../errors/catalogue.ts';
import { formOf, type Kind, kinds, maxBytesOf, type Payload } from '../kinds/table.ts';
import { maxStatementBytes } from '../limits.ts';
import { type Header, idOf, type Parts, splitCompact } from './compact.ts';
import { type PasskeyContext, verifyAssertion } from './webauthn.ts';

type DeepReadonly<T> = T extends (infer U)[]
  ? readonly DeepReadonly<U>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

const onlyHere = Symbol('verified');

/**
 * A statement whose form and signature hold. Whatever acts takes `Verified<…>`, never a payload.
 *
 * It proves who signed, not that they may: authority comes from an owner's chain, in `@caponier/verify`.
 * Only `verifyStatement` makes one (the constructor refuses everybody else), and it cannot be changed afterwards.
 */
export class Verified<K extends Kind> {
  readonly kind: K;
  readonly jws: string;
  readonly id: string;
  /** The key that signed. */
  readonly kid: Did;
  readonly payload: DeepReadonly<Payload<K>>;
  /** Where a passkey signed; null for every other signature. */
  readonly passkey: PasskeyContext | null;
  /** Nominal: no object literal is a `Verified`. */
  readonly #proof: typeof onlyHere;

  constructor(
    proof: typeof onlyHere,
    kind: K,
    jws: string,
    kid: Did,
    payload: Payload<K>,
    passkey: PasskeyContext | null,
  ) {
    if (proof !== onlyHere) throw fail('host.internal', 'Verified is made by verifyStatement only');
    this.#proof = proof;
    this.kind = kind;
    this.jws = jws;
    this.id = idOf(jws);
    this.kid = kid;
    this.payload = freezeDeep(payload) as DeepReadonly<Payload<K>>;
    this.passkey = passkey;
    Object.freeze(this);
  }

  /** True for what this module made; an object that only looks like it has no private member. */
  static is(value: unknown): value is Verified<Kind> {
    return typeof value === 'object' && value !== null && #proof in value;
  }
}

function freezeDeep<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) freezeDeep(member);
    Object.freeze(value);
  }
  return value;
}

const kindSet: ReadonlySet<string> = new Set(kinds);

/** The kind a statement claims, for choosing what to verify it as. Says nothing about the rest of it. */
export function claimedKind(jws: string): Kind {
  return kindOf(splitCompact(jws, maxStatementBytes).header);
}

function kindOf(header: Header): Kind {
  const match = /^stmt1\.([a-z]+)\+jws$/.exec(header.typ);
  if (!match || !kindSet.has(match[1]!)) throw fail('statement.wrong_kind', 'unknown type');
  return match[1] as Kind;
}

function checkSignature(kind: Kind, { header, signingInput, signature }: Parts): PasskeyContext | null {
  const { type, key } = decodeDid(header.kid);
  if (type === 'ed25519' && header.alg === 'Ed25519') {
    if (!crypto.ed25519.verify(signature, signingInput, key)) throw fail('statement.bad_signature');
    return null;
  }
  if (type === 'p256' && header.alg === 'ES256') {
    if (!crypto.p256.verify(signature, signingInput, key)) throw fail('statement.bad_signature');
    return null;
  }
  if (type === 'p256' && header.alg === 'webauthn-ES256' && kind === 'approval') {
    return verifyAssertion(signature, signingInput, key);
  }
  throw fail('statement.malformed', 'algorithm does not fit the key');
}

/**
 * Bytes from outside become a `Verified<K>` here, or a coded error:
 * `statement.too_large`, `.malformed`, `.wrong_kind`, `.bad_payload`, `.bad_key`, `.bad_signature`.
 */
export function verifyStatement<K extends Kind>(
  jws: string,
  ...expected: readonly [K, ...K[]]
): { [P in K]: Verified<P> }[K] {
  const limit = Math.max(...expected.map(maxBytesOf));
  const parts = splitCompact(jws, limit);
  const kind = kindOf(parts.header);
  if (!(expected as readonly string[]).includes(kind)) throw fail('statement.wrong_kind', kind);
  if (jws.length > maxBytesOf(kind)) throw fail('statement.too_large', `${jws.length} bytes`);
  const form = formOf(kind).safeParse(parts.payload);
  if (!form.success) throw fail('statement.bad_payload', form.error.issues[0]?.path.join('.') ?? '');
  const passkey = checkSignature(kind, parts);
  return new Verified(
    onlyHere,
    kind,
    jws,
    parts.header.kid as Did,
    form.data as Payload<typeof kind>,
    passkey,
  ) as unknown as {
    [P in K]: Verified<P>;
  }[K];
}
