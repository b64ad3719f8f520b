import { fail, problemContentType, problemOf } from '@caponier/protocol';
import { Hono } from 'hono';

/** What the relay answers over plain HTTP: that it lives, and nothing about its inside. */
export function createApp(alive: () => boolean): Hono {
  const app = new Hono();
  app.get('/healthz', (c) => (alive() ? c.json({ status: 'ok' }) : c.json({ status: 'closing' }, 503)));
  app.notFound((c) => {
    const problem = problemOf(fail('host.not_found'));
    c.header('content-type', problemContentType);
    return c.body(JSON.stringify(problem), 404);
  });
  return app;
}
