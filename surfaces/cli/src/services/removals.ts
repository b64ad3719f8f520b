import { type Log, problems } from '@caponier/host';
import { fail, idOf, permitWire } from '@caponier/protocol';
import type { LogFollower } from '@caponier/verify';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';

/** A worker's application with POST /removals before it: freezes and revocations take effect on sight, from any source. */
export function withRemovals(app: Hono, follower: LogFollower, log: Log): Hono {
  const outer = new Hono();
  problems(outer, log);
  const bounded = bodyLimit({
    maxSize: permitWire.maxPermitRequestBytes,
    onError: () => {
      throw fail('host.body_too_large');
    },
  });
  outer.post('/removals', bounded, async (c) => {
    const body = permitWire.RemovalRequest.safeParse(await c.req.json().catch(() => null));
    if (!body.success) throw fail('host.bad_body', 'removal');
    const { statement, cosigns } = body.data;
    await follower.offer(statement, cosigns);
    return c.json({ id: idOf(statement) } satisfies permitWire.RemovalAnswer);
  });
  outer.route('/', app);
  return outer;
}
