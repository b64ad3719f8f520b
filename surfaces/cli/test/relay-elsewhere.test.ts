import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readIdentity } from '@caponier/daemon/client';
import { loadOrCreateKey, openHome, systemClock, systemRandom } from '@caponier/host';
import { type Did, type Signer, seedSigner } from '@caponier/protocol';
import { signTicket } from '@caponier/sdk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatInvitation, parseInvitation } from '../src/relay/invitation.ts';
import { readDeployment, serviceOf } from '../src/services/deployment.ts';
import { makeHome } from '../src/up/make.ts';
import { type RelayProcess, startRelay } from './relay-home.ts';

/** A relay that an operator runs, and owners elsewhere who come with a ticket: real processes on loopback. */

const bin = fileURLToPath(new URL('../src/bin.ts', import.meta.url));
const room = mkdtempSync(join(tmpdir(), 'caponier-elsewhere-'));
const root = process.getuid?.() === 0 ? ['--allow-root'] : [];
const at = (name: string) => join(room, name);

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(home: string, args: readonly string[]) {
  return spawn(process.execPath, [bin, ...args], { env: { ...process.env, CAPONIER_HOME: at(home) }, cwd: room });
}

function caponier(home: string, args: readonly string[], input = ''): Promise<Ran> {
  const child = start(home, args);
  let out = '';
  let err = '';
  child.stdout.on('data', (text) => (out += text));
  child.stderr.on('data', (text) => (err += text));
  child.stdin.end(input);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

interface Status {
  readonly relay: string;
  readonly services: readonly { role: string; class: string | null; pid: number | null }[];
}

let relay: RelayProcess;
let operator: Signer;
let key: Did;
let url: string;

/** A ticket for the relay of this test, or of another one. */
async function ticketFor(
  change: { by?: Signer; aud?: Did; uses?: number; lives?: number; clock?: () => number } = {},
): Promise<string> {
  const { by = operator, aud = key, uses = 1, lives = 3_600, clock = systemClock } = change;
  const ticket = await signTicket({ aud, uses, lives }, { signer: by, random: systemRandom, clock });
  return formatInvitation({ url, pin: null, ticket });
}

const stranger = () =>
  seedSigner(loadOrCreateKey(openHome(at('strangers')), `${Math.random()}`.slice(2), systemRandom));

beforeAll(async () => {
  const home = openHome(at('operator'));
  await makeHome(home, { host: '127.0.0.1', portBase: null, name: 'operator' });
  operator = seedSigner(loadOrCreateKey(home.folder('keys'), 'root.key', systemRandom));
  ({ key, url } = serviceOf(readDeployment(home)!, 'relay'));
  relay = await startRelay(home.path, ['--admission', 'ticket', '--port', new URL(url).port]);
}, 60_000);

afterAll(async () => {
  for (const home of ['box', 'laptop']) if (existsSync(at(home))) await caponier(home, ['down']);
  relay.child.kill('SIGKILL');
  await relay.ended;
  rmSync(room, { recursive: true, force: true });
}, 60_000);

describe('what an operator prints', () => {
  test('is read back as it is, with the pin of a certificate of its own', async () => {
    const { ticket } = parseInvitation(await ticketFor(), Date.now());
    for (const pin of [null, 'p'.repeat(43)]) {
      const invitation = { url: 'https://198.51.100.7:7102', pin, key, ticket };
      expect(parseInvitation(`${formatInvitation(invitation)}\n`, Date.now())).toEqual(invitation);
    }
  });

  test('is refused where a piece of it is missing or is another, or its time is over', async () => {
    const good = await ticketFor();
    for (const text of [
      url,
      `${url}#`,
      `${url}#x`,
      `${good}x`,
      `${good},pin`,
      good.replace('#', '/path#'),
      good.slice(4),
    ])
      expect(() => parseInvitation(text, Date.now()), text).toThrow(/cli\.bad_ticket/);
    expect(() => parseInvitation(good, Date.now() + 3_700_000)).toThrow(/cli\.ticket_expired/);
  });

  test('is good for a home of its own', async () => {
    const { code, out } = await caponier('operator', ['relay', 'ticket', '--json']);
    expect(code).toBe(0);
    expect(parseInvitation((JSON.parse(out) as { address: string }).address, Date.now())).toMatchObject({ url, key });
  });
});

describe('up with a relay elsewhere', { timeout: 120_000 }, () => {
  test('shows no ticket to a relay that it is not for, and makes no owner', async () => {
    const { code, err } = await caponier(
      'nowhere',
      ['up', '--relay', '-', ...root],
      `${await ticketFor({ aud: stranger().did })}\n`,
    );
    expect([code, err]).toEqual([5, expect.stringContaining('[relay.wrong_relay]')]);
    expect(err).toContain('the ticket is another relay’s');
    expect(readIdentity(openHome(at('nowhere')))).toBeUndefined();
  });

  test('takes an owner once for each use of a ticket', async () => {
    const relay = parseInvitation(await ticketFor(), Date.now());
    const made = (name: string) =>
      makeHome(openHome(at(name)), { host: '127.0.0.1', portBase: null, name: 'first', relay });
    const { start } = await made('first');
    expect(start.tickets).toContain(relay.ticket);
    await expect(made('second')).rejects.toMatchObject({ code: 'relay.not_admitted' });
    // It is there to go on from, with another ticket.
    expect(readIdentity(openHome(at('second')))).toBeDefined();
  });

  test('refused, says what to do; with a ticket it goes on where it was, and runs no relay of its own', async () => {
    const refused = await caponier('laptop', [
      'up',
      '--host',
      '127.0.0.1',
      '--relay',
      await ticketFor({ by: stranger() }),
      ...root,
    ]);
    expect([refused.code, refused.err]).toEqual([5, expect.stringContaining('[relay.not_admitted]')]);
    expect(refused.err).toMatch(/hint: Ask its operator for a ticket.*caponier up --relay/);
    const again = await caponier('laptop', ['up', ...root]);
    expect([again.code, again.err]).toEqual([5, expect.stringContaining('[relay.not_admitted]')]);

    const ticket = await ticketFor();
    const up = await caponier('laptop', ['up', '--relay', '-', '--json', ...root], `${ticket}\n`);
    expect(up.code, up.out + up.err).toBe(0);
    const made = JSON.parse(up.out) as { connected: boolean; services: { role: string }[] };
    expect(made).toMatchObject({ connected: true, trouble: null });
    expect(made.services.map(({ role }) => role)).not.toContain('relay');
    const file = join(at('laptop'), 'owner.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toContain(ticket.split('#')[1]!);
    expect(up.out).not.toContain(ticket.split('#')[1]!);
  });

  test('its status says that the relay is elsewhere, and not that it does not run', async () => {
    const status = JSON.parse((await caponier('laptop', ['status', '--json'])).out);
    const { services, warnings } = status as { services: { role: string; ok: boolean | null }[]; warnings: string[] };
    const elsewhere = services.filter(({ ok }) => ok !== true);
    expect(elsewhere).toEqual([expect.objectContaining({ role: 'relay', ok: null, pid: null })]);
    expect(warnings.filter((text) => text.includes('Not running'))).toEqual([]);
  });

  test('its second machine joins with the code, and needs no ticket', async () => {
    const adding = start('laptop', ['add', '--yes', '--json']);
    const added = new Promise((resolve) => adding.once('close', resolve));
    const lines = createInterface({ input: adding.stdout })[Symbol.asyncIterator]();
    const { value: first } = await lines.next();
    const { code: link } = JSON.parse(String(first)) as { code: string };
    expect(link.startsWith(`${url}/#`)).toBe(true);
    const joined = await caponier('box', ['join', link, '--yes', '--name', 'box', ...root]);
    expect(joined.code, joined.out + joined.err).toBe(0);
    for await (const line of lines) void line;
    expect(await added).toBe(0);
    const { out } = await caponier('box', ['status', '--json']);
    expect(JSON.parse(out)).toMatchObject({ relay: 'connected', device: { name: 'box', role: 'member' } });
    expect(readIdentity(openHome(at('box')))!.start.tickets).toEqual([]);
  });

  test('a ticket for another relay is refused, and ends nothing', async () => {
    const { code, err } = await caponier('laptop', [
      'up',
      '--relay',
      await ticketFor({ aud: stranger().did }),
      ...root,
    ]);
    expect([code, err]).toEqual([5, expect.stringContaining('[cli.other_relay]')]);
    expect(JSON.parse((await caponier('laptop', ['status', '--json'])).out)).toMatchObject({ relay: 'connected' });
  });

  test('a device that was refused comes back with another ticket; what runs goes on', async () => {
    const statusOf = async () => JSON.parse((await caponier('laptop', ['status', '--json'])).out) as Status;
    const others = ({ services }: Status) => services.map(({ role, class: of, pid }) => [role, of, pid]);
    const before = await statusOf();
    const again = async (...flags: string[]) => {
      relay.child.kill('SIGKILL');
      await relay.ended;
      relay = await startRelay(at('operator'), ['--port', new URL(url).port, ...flags]);
    };
    // Not what its operator meant, and no ticket helps against it: the daemon gives up.
    await again('--admission', 'allowlist', '--allow-owner', 'A'.repeat(43));
    await expect.poll(async () => (await statusOf()).relay, { timeout: 60_000, interval: 1_000 }).toBe('refused');
    await again('--admission', 'ticket');
    const up = await caponier('laptop', ['up', '--relay', '-', '--json', ...root], await ticketFor());
    expect([up.code, JSON.parse(up.out)]).toEqual([0, expect.objectContaining({ connected: true })]);
    const after = await statusOf();
    expect(after.relay).toBe('connected');
    expect(others(after)).toEqual(others(before));
  });
});
