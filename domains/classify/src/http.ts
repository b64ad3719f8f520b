import { fail, problemContentType, problemOf } from '@caponier/protocol';
import { maxUseBytes, usePath, type WorkerService } from '@caponier/verify';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';

/** Refuses a longer body before it is read whole. */
const bounded = bodyLimit({
  maxSize: maxUseBytes,
  onError: () => {
    throw fail('host.body_too_large');
  },
});

/** The one route of a worker (`usePath`). Errors are RFC 9457 problems and hold nothing internal. */
export function useRoute(service: WorkerService): Hono {
  const app = new Hono();
  app.onError(problemAnswer);
  app.notFound(() => problemAnswer(fail('host.not_found')));
  app.post(usePath, bounded, async (c) => {
    const { pathname, search } = new URL(c.req.url);
    const text = new Uint8Array(await c.req.arrayBuffer());
    const answer = await service.use(text, { method: c.req.method, path: pathname + search });
    return c.body(new Uint8Array(answer), 200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  });
  return app;
}

function problemAnswer(error: unknown): Response {
  const problem = problemOf(error);
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { 'content-type': problemContentType },
  });
}
