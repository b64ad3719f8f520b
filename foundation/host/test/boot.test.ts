import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type Listener,
  listenerLimits,
  readListenerLimits,
  readTlsSettings,
  refusePublicMetrics,
  refuseUnknownEnvironment,
  tlsFlags,
  tlsVariables,
} from '../src/index.ts';
import { listen, logLines } from './helpers.ts';

const bad = expect.objectContaining({ code: 'host.bad_config' });

describe('the environment', () => {
  const known = ['CAPONIER_HOME', 'CAPONIER_MAX_CONNECTIONS', 'CAPONIER_MAX_BODY_BYTES', ...tlsVariables];
  const refused = (env: Record<string, string>) => {
    try {
      refuseUnknownEnvironment(env, known);
      return undefined;
    } catch (error) {
      expect(error).toEqual(bad);
      return (error as Error).message;
    }
  };

  it('may hold what is known, and what is not ours', () => {
    expect(
      refused({ CAPONIER_HOME: '/x', CAPONIER_MAX_CONNECTIONS: '5', PATH: '/bin', CAPONIERE: 'x' }),
    ).toBeUndefined();
  });

  it.each([
    ['CAPONIER_MAX_CONECTIONS', 'CAPONIER_MAX_CONNECTIONS'],
    ['CAPONIER_MAX_CONNECTION', 'CAPONIER_MAX_CONNECTIONS'],
    ['CAPONIER_MAX_BODYBYTES', 'CAPONIER_MAX_BODY_BYTES'],
    ['CAPONIER_HOEM', 'CAPONIER_HOME'],
    ['CAPONIER_ACME_AGREE_TERM', 'CAPONIER_ACME_AGREE_TERMS'],
  ])('with %s is refused, and %s suggested', (name, meant) => {
    expect(refused({ [name]: 'the secret value' })).toBe(
      `host.bad_config: ${name} is no variable that Caponier knows: is ${meant} meant?`,
    );
  });

  it('with something far from everything is refused without a guess, and without its value', () => {
    expect(refused({ CAPONIER_COMPLETELY_DIFFERENT: 'the secret value' })).toBe(
      'host.bad_config: CAPONIER_COMPLETELY_DIFFERENT is no variable that Caponier knows',
    );
    expect(refused({ 'CAPONIER_\u001b[31m': 'x' })).not.toContain('\u001b');
  });
});

describe('limits', () => {
  const read = (env: Record<string, string>) => readListenerLimits({ env });

  it.each([
    [{ CAPONIER_MAX_CONNECTIONS: '100', CAPONIER_MAX_CONNECTIONS_PER_ADDRESS: '101' }],
    [{ CAPONIER_MAX_BODY_BYTES: '2048', CAPONIER_MAX_BODY_BYTES_TOGETHER: '2047' }],
    [{ CAPONIER_HEADER_SECONDS: '61', CAPONIER_REQUEST_SECONDS: '60' }],
  ])('that cannot both hold are refused: %o', (env) => {
    expect(() => read(env)).toThrow(bad);
  });

  it('that nobody set give way to those that somebody did', () => {
    expect(read({ CAPONIER_MAX_CONNECTIONS: '100' })).toMatchObject({ maxConnectionsPerAddress: 100 });
    expect(read({ CAPONIER_MAX_CONNECTIONS_PER_ADDRESS: '20000' })).toMatchObject({ maxConnections: 20_000 });
    expect(read({ CAPONIER_REQUEST_SECONDS: '5' })).toMatchObject({ headerSeconds: 5, requestSeconds: 5 });
  });

  it.each(listenerLimits.map((limit) => [limit.env, limit.max] as const))(
    '%s takes numbers in range only',
    (env, max) => {
      for (const text of ['', '0', '-1', '1.5', '1e3', ' 5', '0x10', 'many', String(max + 1)]) {
        expect(() => read({ [env]: text })).toThrow(bad);
      }
    },
  );
});

describe('settings of TLS', () => {
  const read = (flags: Record<string, string>, env: Record<string, string> = {}) => readTlsSettings({ flags, env });
  const acme = { '--acme-names': 'relay.example.com', '--acme-agree-terms': 'yes' };

  it('are none, files, or ACME, by flags or by variables', () => {
    expect(read({})).toEqual({ kind: 'home' });
    expect(read({ '--tls-key': 'k', '--tls-cert': 'c' })).toEqual({ kind: 'files', key: 'k', cert: 'c' });
    expect(read({}, { CAPONIER_TLS_KEY: 'k', CAPONIER_TLS_CERT: 'c' })).toEqual({ kind: 'files', key: 'k', cert: 'c' });
    expect(read({ ...acme, '--acme-email': 'a@b.example' })).toEqual({
      kind: 'acme',
      names: ['relay.example.com'],
      directory: 'https://acme-v02.api.letsencrypt.org/directory',
      email: 'a@b.example',
      agreedToTerms: true,
      port: 80,
    });
    expect(read(acme, { CAPONIER_ACME_DIRECTORY: 'https://ca.example/dir', CAPONIER_ACME_PORT: '8080' })).toMatchObject(
      {
        directory: 'https://ca.example/dir',
        port: 8080,
      },
    );
    expect(read({ ...acme, '--acme-names': 'A.example, b.example ,a.EXAMPLE' })).toMatchObject({
      names: ['a.example', 'b.example'],
    });
    expect(tlsVariables).toHaveLength(tlsFlags.length);
  });

  it.each<[string, Record<string, string>]>([
    ['half a pair', { '--tls-key': 'k' }],
    ['the other half', { '--tls-cert': 'c' }],
    ['two sources', { ...acme, '--tls-key': 'k', '--tls-cert': 'c' }],
    ['no agreement', { '--acme-names': 'relay.example.com' }],
    ['another agreement', { ...acme, '--acme-agree-terms': 'true' }],
    ['an authority in plaintext', { ...acme, '--acme-directory': 'http://ca.example/dir' }],
    ['an authority with a password', { ...acme, '--acme-directory': 'https://a:b@ca.example/dir' }],
    ['no address', { ...acme, '--acme-directory': 'ca' }],
    ['a port of 0', { ...acme, '--acme-port': '0' }],
    ['two mail addresses', { ...acme, '--acme-email': 'a@b.example,c@d.example' }],
    ...[
      '*.example.com',
      '10.0.0.1',
      '::1',
      'localhost',
      'a..b',
      '-a.example',
      'a.example.',
      'a_b.example',
      '',
      'x.1',
    ].map(
      (name) =>
        [`the name "${name}"`, { ...acme, '--acme-names': `a.example,${name}` }] as [string, Record<string, string>],
    ),
    ['too many names', { ...acme, '--acme-names': Array.from({ length: 17 }, (_, i) => `a${i}.example`).join() }],
    ['a name that is too long', { ...acme, '--acme-names': `${'a'.repeat(64)}.example` }],
  ])('are refused with %s', (_name, flags) => {
    expect(() => read(flags)).toThrow(bad);
  });
});

describe('metrics', () => {
  it.each(['127.0.0.1', '::1', 'localhost', '127.0.0.9'])('may be shown on %s', (host) => {
    expect(() => refusePublicMetrics(host)).not.toThrow();
  });
  it.each(['0.0.0.0', '::', '10.0.0.1', 'metrics.example'])('may not be shown on %s', (host) => {
    expect(() => refusePublicMetrics(host)).toThrow(expect.objectContaining({ code: 'host.public_metrics' }));
  });
});

describe('a listener that is open to everybody in plaintext', () => {
  let listener: Listener | undefined;
  afterEach(async () => {
    vi.useRealTimers();
    await listener?.close(0);
  });

  it('says so at the start, and every minute until it is closed', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const lines = logLines();
    listener = await listen({}, { host: '0.0.0.0', allowUnsafePublicBind: true, log: lines.log });
    const warned = () => lines.of('listener.unsafe');
    expect(warned()).toMatchObject([{ level: 'warn', port: listener.port }]);
    vi.advanceTimersByTime(59_000);
    expect(warned()).toHaveLength(1);
    vi.advanceTimersByTime(2 * 60_000);
    expect(warned()).toHaveLength(3);
    await listener.close(0);
    vi.advanceTimersByTime(10 * 60_000);
    expect(warned()).toHaveLength(3);
  });

  it('says nothing where the flag changes nothing', async () => {
    const lines = logLines();
    listener = await listen({}, { allowUnsafePublicBind: true, log: lines.log });
    expect(lines.of('listener.unsafe')).toEqual([]);
  });
});
