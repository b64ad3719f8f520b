import { fail } from '@caponier/protocol';
import { base64 } from '@scure/base';
import { hashLength } from './hash.ts';
import { maxNoteLength, parseNote } from './note.ts';
import { parseSize } from './size.ts';
import { decodeBase64 } from './vkey.ts';

/** Most hashes of a consistency proof (C2SP tlog-witness). */
const maxProofLines = 63;
/** Most characters of a request: the size line, 63 hashes and a note. */
export const maxAddCheckpointLength = 64 + maxProofLines * 45 + maxNoteLength;

/** The body of POST /add-checkpoint: C2SP tlog-witness. */
export interface AddCheckpoint {
  /** The size that the witness cosigned last, 0 for never. */
  readonly oldSize: number;
  /** RFC 6962 consistency proof from `oldSize` to the checkpoint; empty from 0. */
  readonly proof: readonly Uint8Array[];
  /** The signed note, not verified. */
  readonly checkpoint: string;
}

export function formatAddCheckpoint({ oldSize, proof, checkpoint }: AddCheckpoint): string {
  return `old ${oldSize}\n${proof.map((hash) => `${base64.encode(hash)}\n`).join('')}\n${checkpoint}`;
}

/** Throws `log.bad_note`. The proof's form is checked, not what it proves. */
export function parseAddCheckpoint(body: string): AddCheckpoint {
  if (body.length > maxAddCheckpointLength) throw fail('log.bad_note', 'request too long');
  const end = body.indexOf('\n\n');
  if (end < 0) throw fail('log.bad_note', 'request without a checkpoint');
  const [first, ...lines] = body.slice(0, end).split('\n');
  const oldSize = first!.startsWith('old ') ? parseSize(first!.slice(4)) : undefined;
  if (oldSize === undefined || lines.length > maxProofLines)
    throw fail('log.bad_note', 'not an add-checkpoint request');
  const proof = lines.map(parseHash);
  const checkpoint = body.slice(end + 2);
  parseNote(checkpoint);
  return { oldSize, proof, checkpoint };
}

/** A hash on a line of its own. Throws `log.bad_note`. */
export function parseHash(line: string): Uint8Array {
  const hash = decodeBase64(line);
  if (hash.length !== hashLength) throw fail('log.bad_note', 'hash of a wrong length');
  return hash;
}
