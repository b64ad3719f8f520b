import { fail } from '@caponier/protocol';
import type { RequestUnderCheck } from './context.ts';
import { covers, matchesAgent } from './patterns.ts';

/**
 * Whether the grant covers the request: who asks, class, operation, resource, purpose, and until when.
 * An empty purpose of the grant covers any; else the request's is the same, or begins with it and `: `.
 * Throws `grant.not_covered`.
 */
export function checkGrantCovers({ grant, request, now }: RequestUnderCheck): void {
  const { agent, device, class: of, op, resource, purpose } = request.payload;
  const { to } = grant;
  const named =
    agent === null
      ? to.devices.some((did) => did === '*' || did === device)
      : to.agents.some((pattern) => matchesAgent(pattern, agent));
  if (!named) throw fail('grant.not_covered', 'asker');
  if (grant.class !== of || !grant.ops.includes(op)) throw fail('grant.not_covered', 'operation');
  if (!grant.resources.some((pattern) => covers(pattern, resource))) throw fail('grant.not_covered', 'resource');
  if (grant.purpose !== '' && purpose !== grant.purpose && !purpose.startsWith(`${grant.purpose}: `))
    throw fail('grant.not_covered', 'purpose');
  // The owner's own limit: no skew is given on it.
  if (grant.exp !== null && now >= grant.exp * 1000) throw fail('grant.not_covered', 'expired');
}
