import { CaponierError, fromBase64url } from '@caponier/crypto';
import { fail, registryWire } from '@caponier/protocol';
import { decodeOwnersLeaf, type OwnersLeaf } from '@caponier/tlog';

/** One line of GET /follow, opened at one place. */

/** A leaf of `owners` with the exact bytes that the tree hashes. */
export interface LeafLine {
  readonly type: 'leaf';
  readonly index: number;
  readonly leaf: OwnersLeaf;
  readonly bytes: Uint8Array;
  readonly statement: string | null;
  readonly cosigns: readonly string[];
  /** What it costs to keep, in bytes. */
  readonly weight: number;
}

export type OpenedLine = LeafLine | Exclude<registryWire.FollowLine, { type: 'leaf' }>;

/** Throws `log.bad_leaf` for anything but a well-formed line. */
export function openLine(text: string): OpenedLine {
  if (text.length > registryWire.registryMaxLine) throw fail('log.bad_leaf', 'line too long');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw fail('log.bad_leaf', 'line is not JSON', cause);
  }
  const form = registryWire.FollowLine.safeParse(value);
  if (!form.success) throw fail('log.bad_leaf', `line: ${form.error.issues[0]?.path.join('.')}`);
  if (form.data.type !== 'leaf') return form.data;
  const { index, leaf, statement, cosigns } = form.data;
  const bytes = leafBytes(leaf);
  return {
    type: 'leaf',
    index,
    leaf: decodeOwnersLeaf(bytes),
    bytes,
    statement: statement ?? null,
    cosigns: cosigns ?? [],
    weight: text.length,
  };
}

function leafBytes(text: string): Uint8Array {
  try {
    return fromBase64url(text);
  } catch (error) {
    if (error instanceof CaponierError) throw fail('log.bad_leaf', 'leaf encoding', error);
    throw error;
  }
}
