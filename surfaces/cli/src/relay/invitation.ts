import { type Did, fail, type Verified, verifyStatement } from '@caponier/protocol';
import { readPassphrase } from '../terminal/input.ts';

/** A relay that somebody else runs, and their word that a new owner may come: what `caponier relay ticket` prints. */
export interface Invitation {
  /** Origin: `https://relay.example:7102`. */
  readonly url: string;
  /** SHA-256 of the public key of its certificate, base64url, where that is its own; null where authorities vouch. */
  readonly pin: string | null;
  /** Which relay it is. */
  readonly key: Did;
  /** The `ticket` statement. Bearer: whoever has it uses it. */
  readonly ticket: string;
}

/** `https://relay.example:7102#TICKET`, and `,PIN` where the certificate is its own. No letter of it means a thing to a shell. */
export function formatInvitation({ url, pin, ticket }: Pick<Invitation, 'url' | 'pin' | 'ticket'>): string {
  return `${url}#${ticket}${pin === null ? '' : `,${pin}`}`;
}

/** The value of `--relay`. Throws `cli.bad_ticket`, `cli.ticket_expired`. `now` in milliseconds since the epoch. */
export function parseInvitation(text: string, now: number): Invitation {
  const [address = '', fragment] = text.trim().split(/#(.*)/s);
  const url = URL.parse(address);
  const isOrigin = url && /^https?:$/.test(url.protocol) && [url.origin, `${url.origin}/`].includes(url.href);
  if (!isOrigin) throw fail('cli.bad_ticket', 'it begins with https:// and a name, and nothing stands before its #');
  if (!fragment) throw fail('cli.bad_ticket', 'no ticket stands behind a # in it');
  const [jws = '', pin = null, ...more] = fragment.split(',');
  if (more.length > 0 || (pin !== null && !/^[\w-]{43}$/.test(pin))) throw fail('cli.bad_ticket', 'its end is damaged');
  const { payload } = openTicket(jws);
  if (payload.exp * 1000 <= now) throw fail('cli.ticket_expired');
  return { url: url.origin, pin, key: payload.aud, ticket: jws };
}

function openTicket(jws: string): Verified<'ticket'> {
  try {
    return verifyStatement(jws, 'ticket');
  } catch (cause) {
    throw fail('cli.bad_ticket', 'its ticket is damaged', cause);
  }
}

/**
 * Threat: what is typed behind a command stands in `ps` for every user of the machine, and in the shell's history; a ticket
 * is bearer. Measure: `-` takes it from standard input, a file or a pipe, or asks for it without an echo.
 */
export async function readInvitation(given: string, now: () => number): Promise<Invitation> {
  const text = given === '-' ? await readPassphrase('Address and ticket of the relay') : given;
  return parseInvitation(text, now());
}
