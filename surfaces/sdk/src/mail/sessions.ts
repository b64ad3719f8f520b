import { CaponierError, fromBase64url, Secret, toBase64url } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { acceptMail, beginsSession, type MailPeer, type MailSelf, MailSession, Prekeys } from '@caponier/session';
import * as z from 'zod/mini';
import { jsonBytes, openJson } from '../store/json.ts';
import type { KeyValue, KeyValueChange } from '../store/key-value.ts';
import { prekeysKey, sessionKey } from './keys.ts';

/** Sessions kept with one device: both may begin at once, and each new one may cross mail of the one before. */
const maxSessionsPerPeer = 4;

const stored = z.strictObject({ sessions: z.array(z.string()) });

/** Sessions with one device, the one to send with first. */
export async function loadSessions(store: KeyValue, did: string): Promise<MailSession[]> {
  const bytes = await store.get(sessionKey(did));
  if (!bytes) return [];
  const { sessions } = openJson(bytes, stored, 'store.damaged');
  return sessions.map((text) => MailSession.fromBytes(Secret.from(fromBase64url(text))));
}

export function sessionsChange(did: string, sessions: readonly MailSession[]): KeyValueChange {
  const kept = sessions.slice(0, maxSessionsPerPeer);
  return [sessionKey(did), jsonBytes({ sessions: kept.map((s) => toBase64url(s.toBytes().expose())) })];
}

export async function loadPrekeys(store: KeyValue): Promise<Prekeys | null> {
  const bytes = await store.get(prekeysKey);
  return bytes ? Prekeys.fromBytes(Secret.from(bytes)) : null;
}

export const prekeysChange = (prekeys: Prekeys): KeyValueChange => [prekeysKey, prekeys.toBytes().expose().slice()];

export interface Opened {
  readonly plaintext: Uint8Array;
  /** What must be durable together with what the message does. */
  readonly changes: readonly KeyValueChange[];
  /** Whether the message began a session, and so used up keys of ours. */
  readonly began: boolean;
}

/**
 * Reads a message with the sessions of its sender, or begins one. Nothing is stored here.
 * Throws `mail.replayed`, `mail.bad_message`, `mail.unknown_prekeys`, `mail.too_many_skipped`, `session.bad_version`.
 */
export async function openMail(store: KeyValue, self: MailSelf, peer: MailPeer, message: Uint8Array): Promise<Opened> {
  const sessions = await loadSessions(store, peer.device);
  for (const [i, session] of sessions.entries()) {
    const read = tryDecrypt(session, message);
    if (!read) continue;
    const others = sessions.filter((_, at) => at !== i);
    return {
      plaintext: read.plaintext,
      changes: [sessionsChange(peer.device, [read.session, ...others])],
      began: false,
    };
  }
  if (!beginsSession(message)) throw fail('mail.bad_message', 'of no session');
  const prekeys = await loadPrekeys(store);
  if (!prekeys) throw fail('mail.unknown_prekeys', 'none made yet');
  const begun = acceptMail({ self, peer, prekeys, message });
  return {
    plaintext: begun.plaintext,
    changes: [sessionsChange(peer.device, [begun.session, ...sessions]), prekeysChange(begun.prekeys)],
    began: true,
  };
}

/** Null where the message is of another session. What was read before is said, so that it can be acknowledged. */
function tryDecrypt(session: MailSession, message: Uint8Array) {
  try {
    return session.decrypt(message);
  } catch (error) {
    if (!(error instanceof CaponierError)) throw error;
    if (error.code === 'mail.bad_message' || error.code === 'session.bad_version') return null;
    throw error;
  }
}
