import { fail } from '@caponier/protocol';
import { base64 } from '@scure/base';
import { decodeBase64, isKeyName, type NoteKey } from './vkey.ts';

/** Most characters of a signed note: room for some hundred signatures, of which C2SP demands sixteen. */
export const maxNoteLength = 16_384;

/** One signature line: whose, and the bytes after the key id. Nothing is verified yet. */
export interface NoteSignature {
  readonly name: string;
  readonly id: Uint8Array;
  readonly signature: Uint8Array;
}

export interface Note {
  /** What is signed, with its last newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Parses the form of C2SP signed-note. Throws `log.bad_note`. */
export function parseNote(note: string): Note {
  if (note.length > maxNoteLength) throw fail('log.bad_note', 'note too long');
  if (!note.isWellFormed() || /[\u0000-\u0009\u000b-\u001f]/.test(note))
    throw fail('log.bad_note', 'control characters in a note');
  const end = note.lastIndexOf('\n\n');
  if (end < 1) throw fail('log.bad_note', 'note without signatures');
  return { text: note.slice(0, end + 1), signatures: parseSignatures(note.slice(end + 2)) };
}

/** Signature lines alone, as a witness answers them. Throws `log.bad_note`. */
export function parseSignatures(lines: string): NoteSignature[] {
  if (lines.length > maxNoteLength || !lines.endsWith('\n')) throw fail('log.bad_note', 'signature line cut short');
  return lines
    .slice(0, -1)
    .split('\n')
    .map((line) => {
      const match = /^\u2014 ([^ ]+) ([A-Za-z0-9+/=]+)$/.exec(line);
      if (!match || !isKeyName(match[1]!)) throw fail('log.bad_note', 'not a signature line');
      const bytes = decodeBase64(match[2]!);
      if (bytes.length < 5) throw fail('log.bad_note', 'signature too short');
      return { name: match[1]!, id: bytes.slice(0, 4), signature: bytes.slice(4) };
    });
}

/** The inverse of {@link parseNote}. */
export function formatNote(note: Note): string {
  return `${note.text}\n${note.signatures.map(formatSignature).join('')}`;
}

/** One line with its newline. */
export function formatSignature({ name, id, signature }: NoteSignature): string {
  const bytes = new Uint8Array(id.length + signature.length);
  bytes.set(id);
  bytes.set(signature, id.length);
  return `\u2014 ${name} ${base64.encode(bytes)}\n`;
}

/** Whether the line claims to be by this key: name and id together name a key and its algorithm. */
export function isBy(signature: NoteSignature, key: NoteKey): boolean {
  return signature.name === key.name && signature.id.every((byte, i) => byte === key.id[i]);
}
