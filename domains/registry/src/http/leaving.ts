import { fail } from '@caponier/protocol';
import type { MiddlewareHandler } from 'hono';
import { LEAVING_RETRY_SECONDS } from '../limits.ts';
import { problemAnswer } from './body.ts';

/** What begins something that waits for witnesses or does not end by itself. A freeze is neither, and is obeyed to the last. */
const beginnings = new Set(['/append', '/events', '/follow']);

/** Sends those who come too late on to whoever comes after us, before a byte of their body is read. */
export function leavingGate(isLeaving: () => boolean): MiddlewareHandler {
  return async (c, next) => {
    if (!isLeaving() || !beginnings.has(c.req.path)) return next();
    const answer = problemAnswer(fail('host.busy', 'leaving'));
    answer.headers.set('retry-after', String(LEAVING_RETRY_SECONDS));
    return answer;
  };
}
