import { Secret } from '@caponier/crypto';
import { fail, workerWire } from '@caponier/protocol';
import type { Call } from './form.ts';

/** A call with the secret in it. Lives from here to the socket, and is never printed: its text is behind `Secret`. */
export interface FilledCall {
  readonly method: Call['method'];
  /** Scheme, host and port. */
  readonly origin: string;
  /** Path and query. */
  readonly target: Secret;
  /** Name and value of each header. */
  readonly headers: readonly (readonly [string, Secret])[];
  readonly body: Secret | null;
}

const PLACEHOLDER = workerWire.secretPlaceholder;

const utf8 = new TextEncoder();
const hide = (text: string) => Secret.from(utf8.encode(text));
const count = (text: string) => text.split(PLACEHOLDER).length - 1;

/** The address of a call: https (or http, where the owner allowed that origin), no user, no fragment. Throws `vault.bad_call`. */
export function addressOf(call: Call): URL {
  if (!/^https?:\/\//.test(call.url) || !URL.canParse(call.url) || /[\x00-\x20\x7f-\uffff\\]/.test(call.url)) {
    throw fail('vault.bad_call', 'url');
  }
  const url = new URL(call.url);
  if (url.username || url.password || call.url.includes('#') || url.hostname.endsWith('.')) {
    throw fail('vault.bad_call', 'url');
  }
  return url;
}

/**
 * Puts the secret where the call names a place for it. A placeholder anywhere else is refused, so that what a person
 * approved is where it goes. Throws `vault.no_placeholder`, `vault.bad_call`.
 */
export function fill(call: Call, secret: Secret): FilledCall {
  const url = addressOf(call);
  const value = text(secret);
  const headers = new Map(Object.entries(call.headers));
  let body = call.body;

  const inUrl = count(call.url);
  const inHeaders = [...headers.values()].reduce((sum, header) => sum + count(header), 0);
  const inBody = count(body ?? '');
  const expect = (here: number) => {
    if (here !== 1) throw fail('vault.no_placeholder', call.place.in);
    if (inUrl + inHeaders + inBody !== 1) throw fail('vault.bad_call', 'a second placeholder');
  };

  switch (call.place.in) {
    case 'header': {
      const template = headers.get(call.place.name) ?? '';
      expect(count(template));
      headers.set(
        call.place.name,
        template.replace(PLACEHOLDER, () => headerValue(value)),
      );
      break;
    }
    case 'basic': {
      if (inUrl + inHeaders + inBody !== 0 || headers.has('authorization')) throw fail('vault.bad_call', 'place');
      headers.set('authorization', `Basic ${Buffer.from(`${call.place.user}:${value}`).toString('base64')}`);
      break;
    }
    case 'query': {
      const values = url.searchParams.getAll(call.place.name);
      if (values.length !== 1 || values[0] !== PLACEHOLDER) throw fail('vault.no_placeholder', 'query');
      expect(inUrl);
      url.searchParams.set(call.place.name, value);
      break;
    }
    case 'body': {
      expect(inBody);
      const escaped = escapeFor(headers.get('content-type') ?? '');
      body = body!.replace(PLACEHOLDER, () => escaped(value));
      break;
    }
  }
  return {
    method: call.method,
    origin: url.origin,
    target: hide(url.pathname + url.search),
    headers: [...headers].map(([name, header]) => [name, hide(header)] as const),
    body: body === null ? null : hide(body),
  };
}

function text(secret: Secret): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(secret.expose());
  } catch {
    throw fail('vault.bad_call', 'the secret is not text');
  }
}

/** A line break in a header would start another header (request splitting). */
function headerValue(value: string): string {
  if (!/^[\x20-\x7e]+$/.test(value)) throw fail('vault.bad_call', 'the secret does not fit in a header');
  return value;
}

/** Escaped, so that a secret cannot change the form of the body around it. */
function escapeFor(contentType: string): (value: string) => string {
  const type = contentType.split(';')[0]!.trim().toLowerCase();
  if (type === 'application/json' || type.endsWith('+json')) return (value) => JSON.stringify(value).slice(1, -1);
  if (type === 'application/x-www-form-urlencoded') return encodeURIComponent;
  return (value) => value;
}
