import type { Random } from '@caponier/crypto';
import { toBase64url } from '@caponier/crypto';
import {
  type ChainKind,
  type Did,
  type Payload,
  type Signer,
  sign,
  type Verified,
  verifyStatement,
} from '@caponier/protocol';
import { emptyRoot } from '@caponier/tlog';
import { type LaterKind, type Members, OwnerView } from './view.ts';

/** The signer's side of an owner's chain: makes the next statement, with place, time and view filled in. */

/** Seconds for which a cosignature may be added to the statement it is for. */
export const cosignSeconds = 24 * 3600;

export interface Pen {
  /** Signs the statement. */
  readonly signer: Signer;
  /** Sign a `cosign` of its id each: further root keys or, for a `thaw`, an approver. */
  readonly cosigners?: readonly Signer[];
  readonly random: Random;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

export interface Signed<K extends ChainKind> {
  readonly statement: Verified<K>;
  readonly cosigns: readonly Verified<'cosign'>[];
  /** The chain after it. */
  readonly view: OwnerView;
}

const secondsOf = (pen: Pen) => Math.floor(pen.clock() / 1000);

/** The first statement. `keys` beside the signer's own come from `roots`; the quorum is empty until a `rotate`. */
export async function signOwner(
  pen: Pen,
  roots: { readonly keys?: readonly Did[]; readonly k?: number; readonly recovery?: Did | null } = {},
): Promise<Signed<'owner'>> {
  const payload: Payload<'owner'> = {
    seq: 0,
    iat: secondsOf(pen),
    nonce: toBase64url(pen.random(16)),
    keys: [...(roots.keys ?? [pen.signer.did])],
    k: roots.k ?? 1,
    recovery: roots.recovery ?? null,
    quorum: { keys: [], k: 0 },
    view: toBase64url(emptyRoot()),
  };
  const statement = verifyStatement(await sign(pen.signer, 'owner', payload), 'owner');
  const cosigns = await cosignAll(pen, statement.id, statement.id);
  return { statement, cosigns, view: OwnerView.start(statement, cosigns) };
}

/** The next statement of a chain. Throws what `OwnerView.apply` throws, so nothing is signed that readers would refuse. */
export async function signNext<K extends LaterKind>(
  view: OwnerView,
  kind: K,
  members: Members<K>,
  pen: Pen,
): Promise<Signed<K>> {
  const place = { owner: view.id, seq: view.seq + 1, prev: view.head, iat: secondsOf(pen) };
  const payload = { ...place, ...members, view: view.nextView(kind, members) } as unknown as Payload<K>;
  const statement = verifyStatement(await sign(pen.signer, kind, payload), kind) as unknown as Verified<K>;
  const cosigns = await cosignAll(pen, view.id, statement.id);
  return { statement, cosigns, view: view.apply(statement as unknown as Verified<LaterKind>, cosigns) };
}

function cosignAll(pen: Pen, owner: string, of: string): Promise<Verified<'cosign'>[]> {
  return Promise.all((pen.cosigners ?? []).map((signer) => signCosign({ ...pen, signer }, owner, of)));
}

/** One further signature under a statement, for keys that are not all in one place. */
export async function signCosign(pen: Omit<Pen, 'cosigners'>, owner: string, of: string): Promise<Verified<'cosign'>> {
  const iat = secondsOf(pen);
  const payload = { aud: owner, of, iat, exp: iat + cosignSeconds, nonce: toBase64url(pen.random(16)) };
  return verifyStatement(await sign(pen.signer, 'cosign', payload), 'cosign');
}

/** A statement of a chain as it crosses a wire: compact JWS, with its cosigns. */
export interface WireStatement {
  readonly statement: string;
  readonly cosigns: readonly string[];
}

/** A chain under construction: each `add` signs with the same pen unless another is given. */
export class OwnerChain {
  readonly #pen: Pen;
  readonly #signed: Signed<ChainKind>[];

  private constructor(pen: Pen, first: Signed<ChainKind>) {
    this.#pen = pen;
    this.#signed = [first];
  }

  static async begin(pen: Pen, roots: Parameters<typeof signOwner>[1] = {}): Promise<OwnerChain> {
    return new OwnerChain(pen, (await signOwner(pen, roots)) as unknown as Signed<ChainKind>);
  }

  get view(): OwnerView {
    return this.#signed.at(-1)!.view;
  }

  get signed(): readonly Signed<ChainKind>[] {
    return this.#signed;
  }

  async add<K extends LaterKind>(kind: K, members: Members<K>, pen: Partial<Pen> = {}): Promise<Signed<K>> {
    const signed = await signNext(this.view, kind, members, { ...this.#pen, ...pen });
    this.#signed.push(signed as unknown as Signed<ChainKind>);
    return signed;
  }

  /** From statement `from` on, for a registry's POST /append. */
  wire(from = 0): WireStatement[] {
    return this.#signed.slice(from).map(({ statement, cosigns }) => ({
      statement: statement.jws,
      cosigns: cosigns.map((cosign) => cosign.jws),
    }));
  }
}
