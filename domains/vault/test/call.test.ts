import { Secret } from '@caponier/crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Call, parseCall } from '../src/call/form.ts';
import { originOf } from '../src/call/hosts.ts';
import { addressOf, fill } from '../src/call/inject.ts';
import { SCRUBBED, Scrubber } from '../src/call/scrub.ts';

const secretOf = (text: string) => Secret.from(new TextEncoder().encode(text));
const show = (secret: Secret | null | undefined) => (secret ? Buffer.from(secret.expose()).toString() : secret);
const base: Call = {
  method: 'POST',
  url: 'https://api.example.com/v1/things?a=b',
  headers: { accept: 'application/json' },
  body: null,
  place: { in: 'header', name: 'authorization' },
};
const code = (act: () => unknown) => {
  try {
    act();
    return 'ok';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};

describe('the hosts an owner names', () => {
  it.each([
    ['api.example.com', 'https://api.example.com'],
    ['API.example.com:8443', 'https://api.example.com:8443'],
    ['api.example.com:443', 'https://api.example.com'],
    ['10.1.2.3:8443', 'https://10.1.2.3:8443'],
    ['[fd00::1]:8443', 'https://[fd00::1]:8443'],
    ['http://127.0.0.1:3000', 'http://127.0.0.1:3000'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
  ])('%s means %s', (host, origin) => expect(originOf(host)).toBe(origin));

  it.each([
    '',
    '*',
    '*.example.com',
    'http://api.example.com',
    'https://api.example.com',
    'http://10.0.0.1:80',
    'http://127.0.0.1',
    'http://127.0.0.1:3000/x',
    'http://localhost:3000',
    'api.example.com/x',
    'user@api.example.com',
    'api.example.com.',
    '0x7f.1',
    '127.1',
    '2130706433',
    'bücher.example',
    'a b',
    'api.example.com:99999',
    'api.example.com#x',
    'http://127.0.0.1:99999',
  ])('%s is refused', (host) => expect(code(() => originOf(host))).toBe('vault.bad_secret'));
});

describe('the form of a call', () => {
  it.each<[string, unknown]>([
    ['nothing', null],
    ['a list', []],
    ['an unknown member', { ...base, x: 1 }],
    ['an unknown method', { ...base, method: 'CONNECT' }],
    ['a header with a line break', { ...base, headers: { 'x-a': 'a\r\nb: c' } }],
    ['a header name with a line break', { ...base, headers: { 'x-a\r\nb': 'c' } }],
    ['a host header', { ...base, headers: { host: 'evil.example' } }],
    ['an encoding that cannot be read', { ...base, headers: { 'accept-encoding': 'gzip' } }],
    ['a length of its own', { ...base, headers: { 'content-length': '1' } }],
    ['an unknown place', { ...base, place: { in: 'path' } }],
    ['a user with a colon', { ...base, place: { in: 'basic', user: 'a:b' } }],
    ['too long a body', { ...base, body: 'x'.repeat(65_537) }],
    [
      'too many headers',
      { ...base, headers: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`x-${i}`, ''])) },
    ],
  ])('refuses %s', (_, body) => expect(code(() => parseCall(body))).toBe('vault.bad_call'));

  it.each([
    'http:/api.example.com',
    'ftp://api.example.com',
    'https://user:pass@api.example.com/',
    'https://api.example.com/#x',
    '//x',
    '',
    'https://api.example.com\\@evil.example/',
    'https://api.example.com/\n',
    ' https://api.example.com/',
    'https://',
    'javascript:1',
    'https://api.example.com./',
    'https://exämple.com/',
  ])('refuses the address %j', (url) => expect(code(() => addressOf({ ...base, url }))).toBe('vault.bad_call'));
});

describe('the secret', () => {
  const filled = (call: Partial<Call>, secret = 's3cret/+ "ü') => fill({ ...base, ...call }, secretOf(secret));

  it('goes into the header named', () => {
    const { headers } = filled({ headers: { authorization: 'Bearer {{secret}}' } }, 'tok$&en');
    expect(headers.map(([name, value]) => [name, show(value)])).toEqual([['authorization', 'Bearer tok$&en']]);
  });

  it('goes into basic authentication', () => {
    const { headers } = filled({ place: { in: 'basic', user: 'me' } });
    const value = show(headers.find(([name]) => name === 'authorization')![1])!;
    expect(Buffer.from(value.slice(6), 'base64').toString()).toBe('me:s3cret/+ "ü');
  });

  it('goes into the query, encoded', () => {
    const { target } = filled({
      url: 'https://api.example.com/v1?a=b&key={{secret}}',
      place: { in: 'query', name: 'key' },
    });
    expect(new URLSearchParams(show(target)!.split('?')[1]).get('key')).toBe('s3cret/+ "ü');
    expect(show(target)).not.toContain('"');
  });

  it('goes into the body, escaped for its type', () => {
    const json = filled({
      headers: { 'content-type': 'application/json' },
      body: '{"k":"{{secret}}"}',
      place: { in: 'body' },
    });
    expect(JSON.parse(show(json.body)!)).toEqual({ k: 's3cret/+ "ü' });
    const form = filled({
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      body: 'k={{secret}}&x=1',
      place: { in: 'body' },
    });
    expect([...new URLSearchParams(show(form.body)!)]).toEqual([
      ['k', 's3cret/+ "ü'],
      ['x', '1'],
    ]);
    expect(show(filled({ body: 'raw {{secret}}', place: { in: 'body' } }).body)).toBe('raw s3cret/+ "ü');
  });

  it('goes nowhere but there', () => {
    const header = { authorization: 'Bearer {{secret}}' };
    expect(code(() => filled({}))).toBe('vault.no_placeholder');
    expect(code(() => filled({ headers: { 'x-other': '{{secret}}' } }))).toBe('vault.no_placeholder');
    expect(code(() => filled({ headers: { authorization: '{{secret}}{{secret}}' } }, 'abcd'))).toBe(
      'vault.no_placeholder',
    );
    expect(code(() => filled({ headers: header, body: '{{secret}}' }, 'abcd'))).toBe('vault.bad_call');
    expect(code(() => filled({ headers: header, url: 'https://api.example.com/{{secret}}' }, 'abcd'))).toBe(
      'vault.bad_call',
    );
    expect(code(() => filled({ body: '{{secret}}', place: { in: 'basic', user: 'u' } }, 'abcd'))).toBe(
      'vault.bad_call',
    );
    expect(code(() => filled({ headers: { authorization: 'x' }, place: { in: 'basic', user: 'u' } }))).toBe(
      'vault.bad_call',
    );
    expect(
      code(() =>
        filled({ url: 'https://{{secret}}.example.com/?k={{secret}}', place: { in: 'query', name: 'k' } }, 'abcd'),
      ),
    ).toMatch(/^vault\./);
    expect(code(() => filled({ url: 'https://a.example/?k={{secret}}&k=1', place: { in: 'query', name: 'k' } }))).toBe(
      'vault.no_placeholder',
    );
  });

  it('cannot start a header of its own', () => {
    expect(code(() => filled({ headers: { authorization: '{{secret}}' } }, 'a\r\nx-evil: 1'))).toBe('vault.bad_call');
  });

  it('does not print', () => {
    const call = filled({ headers: { authorization: 'Bearer {{secret}}' } }, 'abcdefgh');
    expect(JSON.stringify(call)).not.toContain('abcdefgh');
  });
});

describe('an answer', () => {
  const text = 'tök/en+"with=all&of it';
  const scrubber = new Scrubber(secretOf(text), 'me');

  it.each<[string, string]>([
    ['plain', text],
    ['JSON', JSON.stringify({ a: text })],
    ['percent-encoded', encodeURIComponent(text)],
    ['percent-encoded in lower case', encodeURIComponent(text).replace(/%../g, (code) => code.toLowerCase())],
    ['form-encoded', new URLSearchParams([['k', text]]).toString()],
    ['hexadecimal', Buffer.from(text).toString('hex')],
    ['HEXADECIMAL', Buffer.from(text).toString('hex').toUpperCase()],
    ['basic authentication', Buffer.from(`me:${text}`).toString('base64')],
    ...[0, 1, 2].flatMap((before): [string, string][] => [
      [`base64, ${before} bytes in`, Buffer.from(`${'x'.repeat(before)}${text}yz`).toString('base64')],
      [`base64url, ${before} bytes in`, Buffer.from(`${'x'.repeat(before)}${text}yz`).toString('base64url')],
    ]),
  ])('is scrubbed of the %s form', (_, form) => {
    const clean = scrubber.text(`before ${form} between ${form} after`);
    expect(clean.split(SCRUBBED).length).toBe(3);
    expect(clean).toMatch(/^before .* between .* after$/);
    expect(clean).not.toContain(form);
  });

  it('never holds a secret that stands in it, whatever surrounds it', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 8 }), fc.string(), fc.string(), (secret, before, after) => {
        fc.pre(!SCRUBBED.includes(secret) && !(before + SCRUBBED + after).includes(secret));
        expect(new Scrubber(secretOf(secret), null).text(before + secret + after)).not.toContain(secret);
      }),
      { numRuns: 300 },
    );
  });

  it('without it is left as it is', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(Buffer.from(scrubber.bytes(bytes))).toEqual(Buffer.from(bytes));
  });
});
