import { fail, problemContentType, problemOf } from '@caponier/protocol';
import { Hono } from 'hono';

export interface Health {
  /** False when the relay is closing. */
  readonly isAlive: () => boolean;
  /** Whether it can serve: its store answers, and what it knows of owners is as new as it must be. */
  readonly isReady: () => Promise<boolean>;
}

/** What the relay answers over plain HTTP: that it lives, that it is ready, and nothing about its inside. */
export function createApp({ isAlive, isReady }: Health): Hono {
  const app = new Hono();
  app.get('/healthz', (c) => (isAlive() ? c.json({ status: 'ok' }) : c.json({ status: 'closing' }, 503)));
  app.get('/readyz', async (c) =>
    (await isReady()) ? c.json({ status: 'ready' }) : c.json({ status: 'not ready' }, 503),
  );
  app.notFound((c) => {
    const problem = problemOf(fail('host.not_found'));
    c.header('content-type', problemContentType);
    return c.body(JSON.stringify(problem), 404);
  });
  return app;
}
