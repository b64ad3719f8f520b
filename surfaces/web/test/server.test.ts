import { expect, test } from 'vitest';
import { createWeb } from '../src/index.ts';

const token = 'AAAAAAAAAAAAAAAAAAAAAA';
const app = createWeb({
  source: { status: async () => ({ owner: 'o' }), asks: async () => ({ asks: [] }) },
  asset: async (name) => new TextEncoder().encode(`bytes of ${name}`),
  assetNames: new Set(['index.html', 'assets/a.js']),
  token,
  hosts: new Set(['localhost:4100']),
});

const get = (path: string, headers: Record<string, string> = {}) =>
  app.request(path, { headers: { host: 'localhost:4100', ...headers } });

test('the page comes with the headers that keep foreign code out', async () => {
  const answer = await get('/');
  expect(await answer.text()).toBe('bytes of index.html');
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(answer.headers.get('content-security-policy')).not.toContain("'unsafe-inline'");
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
});

test('the data needs the token', async () => {
  for (const headers of [
    {},
    { authorization: 'Bearer ' },
    { authorization: `Bearer ${token}A` },
    { authorization: token },
  ]) {
    const answer = await get('/api/status', headers as Record<string, string>);
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ code: 'web.no_token' });
  }
  expect(await (await get('/api/status', { authorization: `Bearer ${token}` })).json()).toEqual({ owner: 'o' });
  expect((await get('/api/nothing', { authorization: `Bearer ${token}` })).status).toBe(404);
});

test('under a foreign host name there is nothing, with or without the token', async () => {
  for (const host of ['evil.example', 'localhost:4101', 'localhost', '']) {
    const answer = await get('/api/status', { host, authorization: `Bearer ${token}` });
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  }
});

test('only listed files are ever asked for', async () => {
  expect((await get('/assets/a.js')).headers.get('content-type')).toContain('text/javascript');
  for (const path of ['/../secret', '/%2e%2e/secret', '/assets/../../x', '/assets/b.js', '//etc/passwd']) {
    expect((await get(path)).status, path).toBe(404);
  }
});

test('the page only shows: there is nothing to post to', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    const answer = await app.request('/api/asks', {
      method,
      headers: { host: 'localhost:4100', authorization: `Bearer ${token}` },
    });
    expect(answer.status).toBe(404);
  }
});

test('an error inside shows nothing of itself', async () => {
  const broken = createWeb({
    source: { status: () => Promise.reject(new Error('password=hunter2')), asks: async () => ({}) },
    asset: async () => null,
    assetNames: new Set(),
    token,
    hosts: new Set(['localhost:4100']),
  });
  const answer = await broken.request('/api/status', {
    headers: { host: 'localhost:4100', authorization: `Bearer ${token}` },
  });
  expect(answer.status).toBe(500);
  expect(await answer.text()).not.toContain('hunter2');
});
