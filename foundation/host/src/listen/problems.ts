import { entryOf, fail, problemContentType, problemOf } from '@caponier/protocol';
import type { Context, Env, Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { Log } from '../log/log.ts';

/** What our catalogue says of any thrown value; hono's own refusals (a body that is no JSON, say) are the caller's fault. */
function codedOf(error: unknown): unknown {
  return error instanceof HTTPException && error.status < 500 ? fail('host.bad_body') : error;
}

/**
 * Every answer of `app` that is an error is an RFC 9457 problem from the catalogue, with nothing internal in it. What
 * has no code of ours goes to `log` as `request.failed`, by the place it came from and not by its message.
 */
export function problems<E extends Env>(app: Hono<E>, log: Log): void {
  const answer = (c: Context<E>, error: unknown) => {
    const problem = problemOf(error);
    return c.body(JSON.stringify(problem), problem.status as 500, {
      'content-type': problemContentType,
      'cache-control': 'no-store',
    });
  };
  app.onError((thrown, c) => {
    const error = codedOf(thrown);
    const { code } = entryOf(error);
    if (code === 'host.internal') log.error('request.failed', { code, method: c.req.method, where: placeOf(thrown) });
    return answer(c, error);
  });
  app.notFound((c) => answer(c, fail('host.not_found')));
}

/** File and line where an error was made: enough to find it, and free of whatever it was about. */
export function placeOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const frames = [...stack.matchAll(/^\s+at .*?([\w.-]+\/[\w.-]+:\d+):\d+\)?$/gm)].map(([, place]) => place ?? '');
  // Where `fail` itself stands says nothing: who called it is the place.
  return frames.find((place) => !place.startsWith('errors/catalogue.')) ?? 'unknown';
}
