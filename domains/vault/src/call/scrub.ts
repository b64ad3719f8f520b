import type { Secret } from '@caponier/crypto';

/** What stands in an answer where the secret was. */
export const SCRUBBED = '[secret]';

/**
 * Takes a secret out of an answer before the agent sees it.
 *
 * Threat: the upstream sends the secret back (an echo, an error page, a redirect to an address that holds it). Measure:
 * its plain, JSON-escaped, percent-encoded, hexadecimal and base64 forms (each alignment, both alphabets) are replaced.
 * What remains: this is a best effort. An upstream that wants to tell the agent the secret can (reversed, encrypted,
 * one character a call): the owner allows only hosts that may know the secret anyway.
 */
export class Scrubber {
  readonly #needles: readonly Buffer[];

  /** `user` is the other half, where the secret went out as basic authentication. */
  constructor(secret: Secret, user: string | null) {
    const plain = Buffer.from(secret.expose());
    const text = plain.toString('utf8');
    const forms = new Set<string>();
    const add = (form: string) => {
      if (form.length >= MIN_NEEDLE) forms.add(form);
    };
    add(text);
    add(JSON.stringify(text).slice(1, -1));
    const percent = encodeURIComponent(text);
    add(percent);
    add(percent.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()));
    add(percent.replaceAll('%20', '+'));
    add(new URLSearchParams([['', text]]).toString().slice(1));
    add(plain.toString('hex'));
    add(plain.toString('hex').toUpperCase());
    for (const form of base64Forms(plain)) add(form);
    if (user !== null) {
      const pair = Buffer.from(`${user}:${text}`);
      for (const encoding of ['base64', 'base64url'] as const) add(pair.toString(encoding).replace(/=+$/, ''));
    }
    plain.fill(0);
    this.#needles = [...forms].map((form) => Buffer.from(form)).sort((a, b) => b.length - a.length);
  }

  /** Bytes of the longest form: what may be cut in half at the end of an answer that was not read to its end. */
  get longest(): number {
    return this.#needles[0]?.length ?? 0;
  }

  bytes(body: Uint8Array): Buffer {
    let rest: Buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    for (const needle of this.#needles) rest = replaceAll(rest, needle);
    return rest;
  }

  text(value: string): string {
    return this.bytes(Buffer.from(value)).toString();
  }

  wipe(): void {
    for (const needle of this.#needles) needle.fill(0);
  }
}

/** Shorter forms are found by chance in any text. */
const MIN_NEEDLE = 4;

/**
 * A text's base64 inside a longer one depends on where it starts, modulo 3. Per alignment, the characters that depend
 * on the secret alone.
 */
function base64Forms(plain: Buffer): string[] {
  const forms: string[] = [];
  for (const before of [0, 1, 2]) {
    const padded = Buffer.concat([Buffer.alloc(before), plain]);
    const whole = padded.toString('base64').replace(/=+$/, '');
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor((padded.length * 8) / 6);
    const form = whole.slice(from, to);
    forms.push(form, form.replaceAll('+', '-').replaceAll('/', '_'));
    if (before === 0) forms.push(whole, whole.replaceAll('+', '-').replaceAll('/', '_'));
    padded.fill(0);
  }
  return forms;
}

function replaceAll(body: Buffer, needle: Buffer): Buffer {
  let at = body.indexOf(needle);
  if (at < 0) return body;
  const parts: Buffer[] = [];
  let from = 0;
  const mark = Buffer.from(SCRUBBED);
  for (; at >= 0; at = body.indexOf(needle, from)) {
    parts.push(body.subarray(from, at), mark);
    from = at + needle.length;
  }
  parts.push(body.subarray(from));
  return Buffer.concat(parts);
}
