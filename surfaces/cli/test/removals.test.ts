import { countRequests, createLog, createMetrics, problems } from '@caponier/host';
import { fail } from '@caponier/protocol';
import type { LogFollower } from '@caponier/verify';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { withRemovals } from '../src/services/removals.ts';

test('a worker behind /removals keeps its routes, its refusals and its own limits, and is counted by its patterns', async () => {
  const log = createLog({ service: 'test', clock: () => 0, level: 'silent' });
  const worker = new Hono();
  problems(worker, log);
  worker.use('*', async (c, next) => {
    if (c.req.header('x-refuse')) throw fail('host.rate_limited');
    await next();
  });
  worker.get('/secrets/:name', (c) => c.text(c.req.param('name')));
  worker.post('/use', () => {
    throw fail('host.bad_body', 'an internal detail');
  });
  const metrics = createMetrics({ service: 'test', version: '0' });
  const app = countRequests(withRemovals(worker, {} as LogFollower, log), metrics);
  const ask = async (path: string, init?: RequestInit) => {
    const answer = await app.fetch(new Request(`http://x${path}`, init), {});
    return [answer.status, await answer.text()] as const;
  };
  expect(await ask('/secrets/a')).toEqual([200, 'a']);
  const [status, text] = await ask('/use', { method: 'POST', body: '{}' });
  expect([status, JSON.parse(text).code]).toEqual([400, 'host.bad_body']);
  expect(text).not.toContain('internal detail');
  expect((await ask('/secrets/a', { headers: { 'x-refuse': '1' } }))[0]).toBe(429);
  expect(JSON.parse((await ask('/removals', { method: 'POST', body: '{}' }))[1]).code).toBe('host.bad_body');
  expect(JSON.parse((await ask('/nothing'))[1]).code).toBe('host.not_found');
  const rows = await metrics.text();
  for (const row of [
    'route="GET /secrets/:name",status="2xx"} 1',
    'route="GET /secrets/:name",status="4xx"} 1',
    'route="POST /use",status="4xx"} 1',
    'route="POST /removals",status="4xx"} 1',
    'route="none",status="4xx"} 1',
  ]) {
    expect(rows).toContain(`caponier_http_requests_total{${row}\n`);
  }
});
