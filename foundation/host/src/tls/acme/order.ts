import { generateKeyPairSync } from 'node:crypto';
import { fail } from '@caponier/protocol';
import type { Challenges } from './challenges.ts';

/** Milliseconds for one answer of the authority, and bytes of it. */
const ANSWER_TIME = 30_000;
const MAX_ANSWER = 1024 * 1024;

/** How often, and how many milliseconds apart, an order is looked at until the authority has decided. */
const POLL = { backoffAttempts: 20, backoffMin: 1_000, backoffMax: 10_000 } as const;

const tokenPattern = /^[\w-]{22,128}$/;

export interface Order {
  /** The authority's directory (RFC 8555 section 7.1.1). */
  readonly directory: string;
  /** PEM. */
  readonly accountKey: string;
  /** Where the authority may write to. */
  readonly email: string | undefined;
  readonly names: readonly string[];
  readonly challenges: Challenges;
}

/** A fresh P-256 key, PEM. */
export function freshKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/**
 * Orders one certificate for a fresh key, and proves by `http-01` that the names lead here. Rejects with whatever the
 * authority or the network says; what comes back is not checked here. A private authority is trusted by
 * `NODE_EXTRA_CA_CERTS`.
 */
export async function orderCertificate(order: Order): Promise<{ key: string; cert: string }> {
  const { directory, accountKey, email, names, challenges } = order;
  // Loaded when there is something to order: it is far larger than what a service needs to serve.
  const acme = await import('acme-client');
  acme.axios.defaults.timeout = ANSWER_TIME;
  acme.axios.defaults.maxContentLength = MAX_ANSWER;
  const client = new acme.Client({ directoryUrl: directory, accountKey, ...POLL });
  const key = freshKey();
  const [, csr] = await acme.crypto.createCsr({ altNames: [...names] }, key);
  const cert = await client.auto({
    csr,
    ...(email !== undefined && { email }),
    termsOfServiceAgreed: true,
    challengePriority: ['http-01'],
    // Asking ourselves from inside says nothing of the outside, and often fails where the outside works.
    skipChallengeVerification: true,
    async challengeCreateFn(_authorization, { type, token }, answer) {
      if (type !== 'http-01') throw fail('host.unreachable', 'the authority offers no http-01');
      // It becomes a path of ours.
      if (!tokenPattern.test(token)) throw fail('host.unreachable', 'not a token');
      challenges.put(token, answer);
    },
    async challengeRemoveFn(_authorization, { token }) {
      challenges.remove(token);
    },
  });
  return { key, cert };
}
