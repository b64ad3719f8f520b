import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listenerLimits, openHome, tlsFlags } from '@caponier/host';
import { verifyStatement } from '@caponier/protocol';
import { describe, expect, test, vi } from 'vitest';
import { main } from '../src/main.ts';
import { Numbers } from '../src/relay/numbers.ts';
import { type Deployment, type Listed, readDeployment, serviceOf } from '../src/services/deployment.ts';
import { refuseUnknownVariables } from '../src/services/environment.ts';
import { serviceFlags, serviceOptions } from '../src/services/flags.ts';
import { admissionOf } from '../src/services/relay-admission.ts';
import { readRelayLimits, relayLimitFlags } from '../src/services/relay-limits.ts';
import { numberOf, saidOf, settingsOf, variableOf } from '../src/services/settings.ts';
import { makeHome } from '../src/up/make.ts';
import { refuseBadSettings } from '../src/up/settings.ts';

const code = (act: () => unknown) => {
  try {
    act();
    return 'ok';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};

describe('admission', () => {
  const operators = ['did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'];
  const owner = 'A'.repeat(43);
  const at = (host: string, url: string, admission: 'open' | 'ticket', flags: object = {}, owners: string[] = []) =>
    admissionOf({
      deployment: { operators, admission } as unknown as Deployment,
      me: { url } as Listed,
      host,
      owners,
      settings: settingsOf(flags as Record<string, unknown>, {}),
    });

  test('is as the deployment says on this machine', () => {
    expect(at('127.0.0.1', 'http://127.0.0.1:7000', 'open')).toEqual({ kind: 'open', operators });
    expect(at('127.0.0.1', 'http://127.0.0.1:7000', 'ticket')).toEqual({ kind: 'ticket', operators });
  });

  test.each([
    ['bound to everything', '0.0.0.0', 'https://127.0.0.1:7000'],
    ['bound to an address', '10.0.0.5', 'https://10.0.0.5:7000'],
    ['behind a proxy that has a name', '127.0.0.1', 'https://relay.example.org'],
  ])('open, and %s, is refused unless somebody said it here', (_, host, url) => {
    expect(code(() => at(host, url, 'open'))).toBe('host.bad_config');
    expect(at(host, url, 'open', { admission: 'open' })).toEqual({ kind: 'open', operators });
    expect(at(host, url, 'open', { admission: 'ticket' })).toEqual({ kind: 'ticket', operators });
    expect(at(host, url, 'ticket')).toEqual({ kind: 'ticket', operators });
  });

  test('of a list takes ids from flags and a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'caponier-owners-'));
    const file = join(folder, 'owners');
    const other = 'B'.repeat(43);
    writeFileSync(file, `# friends\n${owner} # Ann\n\n${other}\n`);
    const flags = { admission: 'allowlist', allowOwners: file };
    expect(at('0.0.0.0', 'https://x.example', 'ticket', flags, [owner])).toEqual({
      kind: 'allowlist',
      owners: [owner, other],
    });
    rmSync(folder, { recursive: true });
    expect(code(() => at('0.0.0.0', 'https://x.example', 'ticket', flags))).toBe('host.bad_config');
  });

  test('of a list takes ids from a variable, where none were typed', () => {
    const other = 'B'.repeat(43);
    const kept = (owners: string[]) =>
      admissionOf({
        deployment: { operators, admission: 'ticket' } as unknown as Deployment,
        me: { url: 'https://x.example' } as Listed,
        host: '0.0.0.0',
        owners,
        settings: settingsOf({}, { CAPONIER_ADMISSION: 'allowlist', CAPONIER_ALLOW_OWNER: `${owner},${other}` }),
      });
    expect(kept([])).toEqual({ kind: 'allowlist', owners: [owner, other] });
    expect(kept([other])).toEqual({ kind: 'allowlist', owners: [other] });
  });

  test.each([
    ['an empty list', { admission: 'allowlist' }, []],
    ['a wrong id', { admission: 'allowlist' }, ['alice']],
    ['a list for another mode', { admission: 'ticket' }, [owner]],
    ['another word', { admission: 'closed' }, []],
  ])('refuses %s', (_, flags, owners) => {
    expect(code(() => at('0.0.0.0', 'https://x.example', 'ticket', flags, owners))).toBe('host.bad_config');
  });
});

describe('variables', () => {
  test('of every flag and every limit are known', () => {
    const names = [
      ...serviceFlags.map(variableOf),
      ...listenerLimits.map(({ env }) => env),
      ...relayLimitFlags.map(({ env }) => env),
    ];
    const env = Object.fromEntries(names.map((name) => [name, '1']));
    expect(
      code(() =>
        refuseUnknownVariables(
          env,
          relayLimitFlags.map(({ env: name }) => name),
        ),
      ),
    ).toBe('ok');
    expect(code(() => refuseUnknownVariables(env, null))).toBe('ok');
  });

  test.each(['CAPONIER_MAX_CONECTIONS', 'CAPONIER_', 'CAPONIER_METRICS', 'CAPONIER_RELAY_CONNECTION'])(
    '%s is refused',
    (name) => {
      const variables = relayLimitFlags.map(({ env }) => env);
      expect(code(() => refuseUnknownVariables({ [name]: '1' }, variables))).toBe('host.bad_config');
    },
  );

  test.each([
    ['nothing', {}, 'ok'],
    ['what services know', { CAPONIER_METRICS_PORT: '9464', CAPONIER_RELAY_CONTACTS: '5' }, 'ok'],
    ['a name that none knows', { CAPONIER_METRIC_PORT: '9464' }, 'host.bad_config'],
    ['a limit that the relay does not have', { CAPONIER_RELAY_CONTACT: '5' }, 'host.bad_config'],
    ['a limit of the relay that is no number', { CAPONIER_RELAY_CONTACTS: 'five' }, 'host.bad_config'],
    ['a limit of the listener out of range', { CAPONIER_MAX_CONNECTIONS: '0' }, 'host.bad_config'],
    ['a drain that is cut', { CAPONIER_DRAIN_SECONDS: '60', CAPONIER_STOP_SECONDS: '45' }, 'host.bad_config'],
  ])('for all services of `up` are judged before it starts any: %s', async (_, env, result) => {
    const said = await refuseBadSettings(env).then(
      () => 'ok',
      (error: { code?: string }) => error.code,
    );
    expect(said).toBe(result);
  });

  test('of flags without a value are 0 or 1', () => {
    const said = (value: string) => saidOf(settingsOf({}, { CAPONIER_PROXY_PROTOCOL: value }), '--proxy-protocol');
    expect([said('1'), said('0'), said('')]).toEqual([true, false, false]);
    expect(code(() => said('yes'))).toBe('host.bad_config');
  });

  test('are numbers where a number is wanted; a flag wins', () => {
    const settings = settingsOf({ metricsPort: '9464' }, { CAPONIER_METRICS_PORT: '1', CAPONIER_DRAIN_SECONDS: '-1' });
    expect(numberOf(settings, '--metrics-port', 0, 65_535)).toBe(9464);
    expect(code(() => numberOf(settings, '--drain-seconds', 0, 600))).toBe('host.bad_config');
  });
});

test('help knows every flag of TLS and every limit of the listener', () => {
  for (const flag of tlsFlags) expect(serviceOptions).toContainEqual([...flag]);
  const names = serviceOptions.map(([flags]) => flags.split(' ')[0]);
  for (const { flag } of listenerLimits) expect(names).toContain(flag);
});

describe('limits of the relay', () => {
  test('come from --limit, then from variables, then from the table', () => {
    const env = { CAPONIER_RELAY_MAIL_PER_MINUTE: '7', CAPONIER_RELAY_MAIL_BURST: '9' };
    const limits = readRelayLimits(['mailPerMinute=8'], { env });
    expect([limits.mailPerMinute, limits.mailBurst, limits.contacts]).toEqual([8, 9, 1_000]);
  });

  test.each([
    'mailPerMinut=8',
    'mailPerMinute',
    'mailPerMinute=',
    'mailPerMinute=-1',
    'mailPerMinute=1e3',
    '__proto__=1',
  ])('refuse %s', (given) => expect(code(() => readRelayLimits([given], { env: {} }))).toBe('host.bad_config'));
});

describe('a share of what a histogram has seen', () => {
  const histogram = (values: readonly (readonly [number | '+Inf', number])[], count: number) =>
    new Numbers([
      {
        name: 'x',
        help: '',
        type: 'histogram',
        values: [
          ...values.map(([le, value]) => ({ metricName: 'x_bucket', labels: { le }, value })),
          { metricName: 'x_count', labels: {}, value: count },
        ],
      },
    ]);

  test('lies within its bucket', () => {
    const numbers = histogram(
      [
        [1, 50],
        [2, 100],
        ['+Inf', 100],
      ],
      100,
    );
    expect(numbers.quantile('x', 0.5)).toBe(1);
    expect(numbers.quantile('x', 0.75)).toBe(1.5);
    expect(numbers.quantile('x', 0.99)).toBeCloseTo(1.98);
  });

  test('is unknown of nothing, and above all buckets', () => {
    expect(
      histogram(
        [
          [1, 0],
          ['+Inf', 0],
        ],
        0,
      ).quantile('x', 0.5),
    ).toBeUndefined();
    expect(
      histogram(
        [
          [1, 0],
          ['+Inf', 9],
        ],
        9,
      ).quantile('x', 0.5),
    ).toBeUndefined();
    expect(histogram([], 0).quantile('y', 0.5)).toBeUndefined();
  });
});

test('`relay ticket` signs with the owner key for the relay of the home, for as long and as often as it was told', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'caponier-ticket-'));
  const before = process.env.CAPONIER_HOME;
  process.env.CAPONIER_HOME = join(folder, 'home');
  const home = openHome(process.env.CAPONIER_HOME);
  await makeHome(home, { host: '127.0.0.1', portBase: null, name: 'box' });
  let out = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  const quiet = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  const codes = [
    await main(['relay', 'ticket', '--uses', '3', '--days', '2', '--json']),
    await main(['relay', 'ticket', '--uses', '0']),
    await main(['relay', 'ticket', '--days', '366']),
  ];
  write.mockRestore();
  quiet.mockRestore();
  if (before === undefined) delete process.env.CAPONIER_HOME;
  else process.env.CAPONIER_HOME = before;
  const deployment = readDeployment(home)!;
  rmSync(folder, { recursive: true });
  expect(codes).toEqual([0, 2, 2]);
  const { ticket, address } = JSON.parse(out) as { ticket: string; address: string };
  const relay = serviceOf(deployment, 'relay');
  expect(address).toBe(`${relay.url}#${ticket}`);
  const { kid, payload } = verifyStatement(ticket, 'ticket');
  expect(deployment.operators).toEqual([kid]);
  expect(payload).toMatchObject({ aud: relay.key, uses: 3 });
  expect(payload.exp - payload.iat).toBe(2 * 86_400);
});
