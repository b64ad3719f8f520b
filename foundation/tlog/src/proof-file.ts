import { fail } from '@caponier/protocol';
import { base64 } from '@scure/base';
import { type CheckpointPolicy, openCheckpoint, type VerifiedCheckpoint } from './checkpoint.ts';
import { maxNoteLength, parseNote } from './note.ts';
import { parseSize } from './size.ts';
import { verifyInclusion } from './verify.ts';
import { parseHash } from './witness-request.ts';

const header = 'c2sp.org/tlog-proof@v1';
/** Most hashes of an inclusion proof below 2^53 leaves. */
const maxProofLines = 53;

/** One small text file that shows offline that a leaf is in a witnessed log: C2SP tlog-proof, without extra data. */
export interface ProofFile {
  readonly index: number;
  /** RFC 6962 audit path. */
  readonly proof: readonly Uint8Array[];
  /** The signed note, not verified. */
  readonly checkpoint: string;
}

export function formatProofFile({ index, proof, checkpoint }: ProofFile): string {
  return `${header}\nindex ${index}\n${proof.map((hash) => `${base64.encode(hash)}\n`).join('')}\n${checkpoint}`;
}

/**
 * Throws `log.bad_note`. A file with extra data is refused: nothing signs it, and we have no use for it.
 */
export function parseProofFile(text: string): ProofFile {
  if (text.length > 128 + maxProofLines * 45 + maxNoteLength) throw fail('log.bad_note', 'proof file too long');
  const end = text.indexOf('\n\n');
  const [first, second, ...lines] = text.slice(0, Math.max(end, 0)).split('\n');
  const index = second?.startsWith('index ') ? parseSize(second.slice(6)) : undefined;
  if (first !== header || index === undefined || lines.length > maxProofLines)
    throw fail('log.bad_note', 'not a proof file');
  const proof = lines.map(parseHash);
  const checkpoint = text.slice(end + 2);
  parseNote(checkpoint);
  return { index, proof, checkpoint };
}

/**
 * Opens the checkpoint under the policy and checks that the entry is in it; `hash` is the entry's `leafHash`.
 * Throws what `parseProofFile`, `openCheckpoint` and `verifyInclusion` throw.
 */
export function verifyProofFile(
  text: string,
  hash: Uint8Array,
  policy: CheckpointPolicy,
): { readonly index: number; readonly checkpoint: VerifiedCheckpoint } {
  const { index, proof, checkpoint: note } = parseProofFile(text);
  const checkpoint = openCheckpoint(note, policy);
  verifyInclusion(hash, index, checkpoint.size, proof, checkpoint.root);
  return { index, checkpoint };
}
