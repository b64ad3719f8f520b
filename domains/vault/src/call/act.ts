import { type Secret, toBase64url } from '@caponier/crypto';
import { fail, type workerWire } from '@caponier/protocol';
import type { Call } from './form.ts';
import { addressOf, fill } from './inject.ts';
import { Scrubber } from './scrub.ts';
import type { Upstream } from './upstream.ts';

/** Headers that would hand the agent something else to log in with, or that speak of a connection it does not have. */
const withheld = new Set([
  'set-cookie',
  'set-cookie2',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
]);

/**
 * Makes one call with the secret in it. `host`, `placeholder` and form are checked before anything is sent.
 * Throws `vault.host_not_allowed`, `.bad_call`, `.no_placeholder`, `.private_address`, `.upstream_failed` (not sent), and
 * `worker.outcome_unknown` (perhaps sent).
 */
export async function callWith(
  call: Call,
  facts: workerWire.SecretFacts,
  value: Secret,
  upstream: Upstream,
): Promise<workerWire.SecretCallAnswer> {
  if (!facts.hosts.includes(addressOf(call).origin)) throw fail('vault.host_not_allowed');
  const filled = fill(call, value);
  const scrubber = new Scrubber(value, call.place.in === 'basic' ? call.place.user : null);
  try {
    const answer = await upstream(filled, { allowPrivate: facts.allowPrivate });
    const encoding = answer.headers['content-encoding'];
    const readable = encoding === undefined || encoding === 'identity';
    const clean = scrubber.bytes(answer.body);
    // The end of a body that was cut off may hold the beginning of the secret.
    const whole = answer.truncated ? clean.subarray(0, Math.max(0, clean.length - scrubber.longest)) : clean;
    const headers: Record<string, string> = {};
    for (const [name, header] of Object.entries(answer.headers)) {
      if (!withheld.has(name)) headers[scrubber.text(name)] = scrubber.text(header);
    }
    return {
      status: answer.status,
      headers,
      body: readable ? toBase64url(whole) : '',
      truncated: answer.truncated || !readable,
    };
  } finally {
    scrubber.wipe();
    filled.target.wipe();
    filled.body?.wipe();
    for (const [, header] of filled.headers) header.wipe();
  }
}
