import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBase64url, fromUtf8, toBase64url, utf8 } from '@caponier/crypto';
import { keyOf } from '@caponier/protocol';
import { openSealed } from '@caponier/session';
import { asDevice, presentUse, type TestUser } from '@caponier/testkit';
import { usePath } from '@caponier/verify';
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createNodeUpstream, revealContext, type Vault } from '../src/index.ts';
import {
  masterKey,
  putBody,
  sealPut,
  startUpstream,
  startVault,
  type TestUpstream,
  temporaryFolder,
  type Uses,
  usesOf,
  vaultOwner,
} from './harness.ts';

const folder = temporaryFolder();
const token = 'ghp_3v9Qx7Lr5TtYw2Kp8ZnB';
let ada: TestUser;
let bob: TestUser;
let vault: Vault;
let upstream: TestUpstream;
let person: Uses;
let agent: Uses;

const call = (more: object = {}) => ({
  method: 'POST',
  url: `${upstream.url}/issues?q=1`,
  headers: { authorization: 'Bearer {{secret}}', 'content-type': 'application/json' },
  body: '{"title":"x"}',
  place: { in: 'header', name: 'authorization' },
  ...more,
});
const textOf = (body: { body: string }) => fromUtf8(fromBase64url(body.body));
const refused = (code: string) => ({ result: 'refused', code, body: null });

beforeAll(async () => {
  ada = await vaultOwner('ada');
  bob = await vaultOwner('bob', ada.owner);
  upstream = await startUpstream();
  vault = await startVault(join(folder.path, 'vault.db'), [ada, bob]);
  person = usesOf(vault, ada, ada.person);
  agent = usesOf(vault, ada, ada.agent);
});
beforeEach(() => {
  upstream.seen.length = 0;
  upstream.handler = (_, response) => response.end('{"ok":true}');
});
afterAll(async () => {
  await vault.close();
  await upstream.close();
  folder.remove();
});

describe('put', () => {
  it('keeps a secret, in versions, and lists it without its value', async () => {
    const first = await person('secret.put', 'github', putBody('first-value', upstream.url));
    expect(first).toMatchObject({
      result: 'done',
      body: { name: 'github', version: 1, hosts: [upstream.url], allowPrivate: false, putBy: ada.owner.laptop.did },
    });
    expect((await person('secret.put', 'github', putBody(token, upstream.url))).body.version).toBe(2);
    await person('secret.put', 'gitlab', putBody('another', 'gitlab.example.com'));
    const { body, text } = await agent('secret.list', 'git*');
    expect(body.secrets.map(({ name, version }: { name: string; version: number }) => [name, version])).toEqual([
      ['github', 2],
      ['gitlab', 1],
    ]);
    expect((await agent('secret.list', 'gith*')).body.secrets.length).toBe(1);
    expect(text).not.toContain(token);
  });

  it('of several at once gets a version each', async () => {
    const all = await Promise.all(
      Array.from({ length: 8 }, (_, i) => person('secret.put', 'raced', putBody(`value ${i}`))),
    );
    expect(all.map(({ body }) => body.version).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('is acknowledged once it is kept, sealed', async () => {
    const path = join(folder.path, 'kept.db');
    const first = await startVault(path, [ada]);
    await usesOf(first, ada, ada.person)('secret.put', 'kept', putBody(token, upstream.url));
    for (const name of readdirSync(folder.path)) {
      const file = readFileSync(join(folder.path, name));
      for (const form of [token, toBase64url(utf8(token))]) expect(file.includes(form), name).toBe(false);
    }
    await first.close();
    const second = await startVault(path, [ada]);
    expect((await usesOf(second, ada, ada.agent)('secret.use', 'kept', call())).result).toBe('done');
    expect(upstream.seen[0]!.headers.authorization).toBe(`Bearer ${token}`);
    await second.close();
    const wrongKey = masterKey();
    wrongKey.expose()[0]! ^= 1;
    const third = await startVault(path, [ada], { masterKey: wrongKey });
    expect(await usesOf(third, ada, ada.agent)('secret.use', 'kept', call())).toMatchObject(refused('vault.locked'));
    await third.close();
  });

  it('of an older epoch still opens after the epoch changed', async () => {
    await person('secret.put', 'old', putBody(token, upstream.url));
    await ada.owner.chain.add('epoch', { class: 'secret', n: 1 });
    await person('secret.put', 'new', putBody(token, upstream.url));
    for (const name of ['old', 'new']) expect((await agent('secret.use', name, call())).result).toBe('done');
    expect(upstream.seen.length).toBe(2);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['text that is no JSON', 'x'],
    ['an unknown member', { ...putBody('value'), x: 1 }],
    ['no hosts', { value: 'dmFsdWU', allowPrivate: false }],
    ['a host with a wildcard', putBody('value', '*.example.com')],
    ['a plain-text host that is not this machine', putBody('value', 'http://example.com:80')],
    ['too short a value', putBody('abc')],
    ['too long a value', putBody('x'.repeat(65_537))],
    ['a value in the clear, which the gate would see', { sealed: 'dmFsdWU', hosts: [], allowPrivate: false }],
    ['base64url that is not canonical', { sealed: 'dmFsdWV', hosts: [], allowPrivate: false }],
  ])('refuses %s', async (_, body) => {
    expect(await person('secret.put', 'bad', body)).toMatchObject(refused('vault.bad_secret'));
  });

  it('refuses a value that was sealed for another name, owner or host', async () => {
    const place = putBody('the-value', upstream.url);
    const sealed = await sealPut(vault, ada.owner.id, 'mine', place);
    const elsewhere = { ...sealed, hosts: ['evil.example.com'] };
    expect(await person('secret.put', 'other', sealed)).toMatchObject(refused('vault.bad_secret'));
    expect(await person('secret.put', 'mine', elsewhere)).toMatchObject(refused('vault.bad_secret'));
    expect(await person('secret.put', 'mine', { ...sealed, allowPrivate: true })).toMatchObject(
      refused('vault.bad_secret'),
    );
    const foreign = await sealPut(vault, ada.grant, 'mine', place);
    expect(await person('secret.put', 'mine', foreign)).toMatchObject(refused('vault.bad_secret'));
    expect(await person('secret.put', 'mine', sealed)).toMatchObject({ result: 'done' });
  });

  it.each(['', '*', 'a b', '../x', 'a*', 'x'.repeat(129)])('refuses the name %j', async (name) => {
    await expect(person('secret.put', name, putBody('value'))).rejects.toThrow();
  });
});

describe('use', () => {
  beforeAll(() => person('secret.put', 'github', putBody(token, upstream.url)));

  it('sends the secret, and the agent gets the answer alone', async () => {
    upstream.handler = (_, response) =>
      response.writeHead(201, { 'x-id': '7', 'set-cookie': 'session=1' }).end('created');
    const answer = await agent('secret.use', 'github', call());
    expect(upstream.seen).toMatchObject([
      { method: 'POST', url: '/issues?q=1', body: '{"title":"x"}', headers: { authorization: `Bearer ${token}` } },
    ]);
    expect(answer).toMatchObject({ result: 'done', body: { status: 201, truncated: false, headers: { 'x-id': '7' } } });
    expect(textOf(answer.body)).toBe('created');
    expect(answer.text).not.toContain(token);
    expect(answer.body.headers).not.toHaveProperty('set-cookie');
  });

  it('puts it into basic authentication, query and body', async () => {
    const plain = { method: 'GET', headers: {}, body: null };
    await agent('secret.use', 'github', call({ ...plain, place: { in: 'basic', user: 'me' } }));
    await agent(
      'secret.use',
      'github',
      call({ ...plain, url: `${upstream.url}/?key={{secret}}`, place: { in: 'query', name: 'key' } }),
    );
    await agent(
      'secret.use',
      'github',
      call({ headers: { 'content-type': 'application/json' }, body: '{"k":"{{secret}}"}', place: { in: 'body' } }),
    );
    const [basic, query, body] = upstream.seen;
    expect(basic!.headers.authorization).toBe(`Basic ${Buffer.from(`me:${token}`).toString('base64')}`);
    expect(query!.url).toBe(`/?key=${token}`);
    expect(body!.body).toBe(`{"k":"${token}"}`);
  });

  it('scrubs an answer that holds the secret', async () => {
    upstream.handler = (request, response, body) => {
      const authorization = request.headers.authorization!;
      const encoded = Buffer.from(authorization).toString('base64');
      response.writeHead(302, { location: `https://elsewhere.example/?t=${token}`, 'x-echo': authorization });
      response.end(JSON.stringify({ authorization, encoded, url: encodeURIComponent(authorization), body }));
    };
    const answer = await agent('secret.use', 'github', call());
    const seen = answer.text + textOf(answer.body) + JSON.stringify(answer.body.headers);
    expect(seen).not.toContain(token);
    expect(seen).not.toContain(Buffer.from(`Bearer ${token}`).toString('base64').slice(12, 32));
    expect(answer.body.headers.location).toBe('https://elsewhere.example/?t=[secret]');
    expect(answer.body.status).toBe(302);
    expect(upstream.seen.length).toBe(1);
  });

  it('scrubs a secret that stands across the end of what is passed on', async () => {
    const room = 1024 * 1024 - 10;
    upstream.handler = (_, response) => response.end('x'.repeat(room) + token + 'y'.repeat(1_000));
    const answer = await agent('secret.use', 'github', call());
    expect(answer.body.truncated).toBe(true);
    const text = textOf(answer.body);
    expect(text.length).toBeGreaterThan(1_000_000);
    expect(text).not.toContain(token.slice(0, 4));
  });

  it('passes on nothing that it cannot look into', async () => {
    upstream.handler = (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('anything');
    expect((await agent('secret.use', 'github', call())).body).toMatchObject({
      status: 200,
      body: '',
      truncated: true,
    });
  });

  it('goes to no host but those the owner named', async () => {
    const elsewhere = await startUpstream();
    for (const url of [
      elsewhere.url,
      upstream.url.replace('127.0.0.1', 'localhost'),
      upstream.url.replace('127.0.0.1', '127.0.0.2'),
      upstream.url.replace('http:', 'https:'),
      'https://api.github.com',
    ]) {
      const answer = await agent('secret.use', 'github', call({ url: `${url}/x` }));
      expect(answer).toMatchObject(refused('vault.host_not_allowed'));
    }
    expect(elsewhere.seen.length + upstream.seen.length).toBe(0);
    await elsewhere.close();
  });

  it('does not follow the allowed host to another', async () => {
    const elsewhere = await startUpstream();
    upstream.handler = (_, response) => response.writeHead(307, { location: `${elsewhere.url}/x` }).end();
    expect((await agent('secret.use', 'github', call())).body.status).toBe(307);
    expect(elsewhere.seen.length).toBe(0);
    await elsewhere.close();
  });

  it('refuses an allowed name that points into the private network', async () => {
    const resolve = async () => ['127.0.0.1'];
    const path = join(folder.path, 'private.db');
    const other = await startVault(path, [ada], { upstream: createNodeUpstream({ resolve }) });
    const port = new URL(upstream.url).port;
    await usesOf(other, ada, ada.person)('secret.put', 'api', putBody(token, `api.example.com:${port}`));
    const answer = await usesOf(other, ada, ada.agent)(
      'secret.use',
      'api',
      call({ url: `https://api.example.com:${port}/` }),
    );
    expect(answer).toMatchObject(refused('vault.private_address'));
    await other.close();
  });

  it('says what surely did not happen, and what perhaps did', async () => {
    const gone = await startUpstream();
    await person('secret.put', 'gone', putBody(token, gone.url));
    await gone.close();
    expect(await agent('secret.use', 'gone', call({ url: gone.url }))).toMatchObject(refused('vault.upstream_failed'));
    upstream.handler = (_, response) => response.destroy();
    expect(await agent('secret.use', 'github', call())).toMatchObject({
      result: 'unknown',
      code: 'worker.outcome_unknown',
      body: null,
    });
    expect(upstream.seen.length).toBe(1);
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'vault.bad_call'],
    ['a list', [], 'vault.bad_call'],
    ['no place for the secret', { headers: {} }, 'vault.no_placeholder'],
    ['another address', { url: 'file:///etc/passwd' }, 'vault.bad_call'],
    ['a host of its own', { headers: { host: 'evil.example', authorization: '{{secret}}' } }, 'vault.bad_call'],
  ])('refuses %s', async (_, more, code) => {
    const body = more === undefined || Array.isArray(more) ? more : call(more as object);
    expect(await agent('secret.use', 'github', body)).toMatchObject(refused(code));
    expect(upstream.seen.length).toBe(0);
  });

  it('of a secret that is not there is refused', async () => {
    expect(await agent('secret.use', 'nothing', call())).toMatchObject(refused('vault.no_secret'));
  });
});

describe('reveal', () => {
  it('seals to the box key of the device that asked', async () => {
    await person('secret.put', 'shown', putBody(token));
    const { body, text, request } = await person('secret.reveal', 'shown');
    expect(text).not.toContain(token);
    const { laptop, box } = ada.owner;
    const open = (device: typeof laptop, id: string) =>
      openSealed(fromBase64url(body.sealed), {
        box: { publicKey: keyOf(device.box, 'x25519'), secretKey: device.boxSecret },
        context: revealContext(id),
      });
    expect(fromUtf8(open(laptop, request))).toBe(token);
    expect(() => open(box, request)).toThrow();
    expect(() => open(laptop, 'x'.repeat(43))).toThrow();
    expect(await person('secret.reveal', 'shown', { box: 'x' })).toMatchObject(refused('vault.bad_call'));
  });
});

describe('delete', () => {
  it('forgets a secret', async () => {
    await person('secret.put', 'gone-soon', putBody(token, upstream.url));
    expect((await person('secret.delete', 'gone-soon')).body).toEqual({ deleted: true });
    expect(await agent('secret.use', 'gone-soon', call())).toMatchObject(refused('vault.no_secret'));
    expect(await person('secret.delete', 'gone-soon')).toMatchObject(refused('vault.no_secret'));
  });
});

describe('another owner', () => {
  it('has secrets of the same name and sees none of ours', async () => {
    await person('secret.put', 'shared-name', putBody(token, upstream.url));
    const his = usesOf(vault, bob, bob.person);
    expect(await his('secret.use', 'shared-name', call())).toMatchObject(refused('vault.no_secret'));
    expect((await his('secret.list', '*')).body.secrets).toEqual([]);
    expect(await his('secret.delete', 'shared-name')).toMatchObject(refused('vault.no_secret'));
    await his('secret.put', 'shared-name', putBody('his own value', upstream.url));
    await agent('secret.use', 'shared-name', call());
    expect(upstream.seen[0]!.headers.authorization).toBe(`Bearer ${token}`);
  });

  it('whose device was revoked uses nothing', async () => {
    const eve = await vaultOwner('eve', ada.owner);
    const other = await startVault(join(folder.path, 'eve.db'), [eve]);
    await usesOf(other, eve, eve.person)('secret.put', 'x', putBody(token, upstream.url));
    await eve.owner.chain.add('revoke', { what: 'device', target: eve.owner.box.did });
    await expect(usesOf(other, eve, eve.agent)('secret.use', 'x', call())).rejects.toMatchObject({
      code: 'owner.revoked',
    });
    expect(upstream.seen.length).toBe(0);
    await other.close();
  });
});

describe('the route', () => {
  const post = (body: BodyInit) => vault.app.request(usePath, { method: 'POST', body });

  it('answers anything that is not a use with a coded problem', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.json().map(utf8)), async (bytes) => {
        const response = await post(new Uint8Array(bytes));
        expect(response.status).toBe(400);
        expect(((await response.json()) as { code: string }).code).toMatch(/^(host\.bad_body|statement\.\w+)$/);
      }),
      { numRuns: 150 },
    );
    expect((await vault.app.request('/elsewhere')).status).toBe(404);
    expect((await post(new Uint8Array(2 * 1024 * 1024))).status).toBe(413);
  });

  it('takes no use with a byte changed', async () => {
    const asker = ada.agent;
    const { bytes } = await presentUse(ada.owner, {
      asker,
      grant: ada.grant,
      class: 'secret',
      op: 'secret.use',
      resource: 'github',
      body: call(),
    });
    for (let at = 0; at < bytes.length; at += 97) {
      const changed = new Uint8Array(bytes);
      changed[at]! ^= 1;
      const response = await post(changed);
      expect(response.status, `byte ${at}`).toBeGreaterThanOrEqual(400);
    }
    expect(upstream.seen.length).toBe(0);
    expect((await post(new Uint8Array(bytes))).status).toBe(200);
    expect(upstream.seen.length).toBe(1);
    // The same bytes again: the counter was seen.
    expect((await post(new Uint8Array(bytes))).status).toBe(409);
    expect(upstream.seen.length).toBe(1);
  });

  it('takes nothing of whom the grant does not name', async () => {
    const stranger = await vaultOwner('mallory', ada.owner);
    const presented = presentUse(ada.owner, {
      asker: asDevice(stranger.owner.laptop),
      grant: ada.grant,
      class: 'secret',
      op: 'secret.list',
      resource: '*',
    });
    const response = await post(new Uint8Array((await presented).bytes));
    expect(((await response.json()) as { code: string }).code).toBe('owner.not_enrolled');
  });
});
