import type { Hono } from 'hono';
import type { Application } from '../listen/options.ts';
import type { Metrics } from './metrics.ts';

/** What stands for every request that no route takes. */
const unmatched = 'none';
const classes = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;

/** `GET /owners/:owner`; undefined for what runs before or after the answer (`/*`, any method). */
function nameOf({ method, path }: { readonly method: string; readonly path: string }): string | undefined {
  return method === 'ALL' || path.includes('*') ? undefined : `${method} ${path}`;
}

/**
 * Counts what `app` answers, by the pattern of the route and the class of the status, and how long each took. Method and
 * path as they were sent never become a label: whatever no route takes counts as `none`.
 */
export function countRequests(app: Hono, metrics: Metrics): Application {
  const routes = [...new Set(app.routes.map(nameOf).filter((name) => name !== undefined)), unmatched];
  const count = metrics.table('http_requests_total', 'HTTP requests answered, by the pattern of their route.', {
    route: routes,
    status: classes,
  });
  const meter = metrics.meter('http', {}, { request: 'From a request to its answer.' });
  const routeOf = (request: Request): string => {
    const { pathname } = new URL(request.url);
    // A HEAD is answered by the route of its GET.
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const [handlers] = app.router.match(method, pathname);
    return handlers.map(([[, route]]) => nameOf(route)).findLast((name) => name !== undefined) ?? unmatched;
  };
  return {
    async fetch(request, env) {
      const begin = performance.now();
      const response = await app.fetch(request, env as object);
      meter.time('request', performance.now() - begin);
      count([routeOf(request), `${Math.floor(response.status / 100)}xx`]);
      return response;
    },
  };
}
