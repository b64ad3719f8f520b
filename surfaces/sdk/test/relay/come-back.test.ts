import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeOwner } from '@caponier/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Transport } from '../../src/transport/types.ts';
import {
  clientOf,
  hastyWait,
  membershipOf,
  ownerNamed,
  random,
  runRelay,
  stateOf,
  temporaryFolder,
  transport,
} from './support.ts';

/** The first pauses between attempts at a relay that closes each connection so, in milliseconds. */
function pauses(reason: string, count: number): Promise<number[]> {
  return pausesAt('ws://127.0.0.1:1', count, {
    ...transport,
    connect: async (_url, { onClose }) => {
      queueMicrotask(() => onClose(4503, reason));
      return { bufferedBytes: 0, send() {}, close() {} };
    },
  });
}

/** The same of a listener that answers each upgrade with these lines. */
async function pausesBehind(lines: readonly string[], count: number): Promise<number[]> {
  const server = createServer();
  server.on('upgrade', (_, socket) => {
    // A client that hangs up first resets what is on the way.
    socket.on('error', () => {});
    socket.end(`HTTP/1.1 ${[...lines, 'content-length: 0'].join('\r\n')}\r\n\r\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return pausesAt(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, count, transport);
}

async function pausesAt(url: string, count: number, through: Transport): Promise<number[]> {
  const ada = await ownerNamed('ada');
  const waited: number[] = [];
  const client = clientOf(url, ada, ada.box.signer, {
    transport: through,
    wait: (milliseconds, signal) => {
      // What guards one connection is waited for while it lasts; a pause is all there is at its time.
      if (!signal.aborted && ![10_000, 15_000].includes(milliseconds)) waited.push(milliseconds);
      return hastyWait(milliseconds / 100, signal);
    },
  });
  client.start();
  await expect.poll(() => waited.length).toBeGreaterThanOrEqual(count);
  client.close();
  return waited.slice(0, count);
}

describe('a client that is told when to come back', () => {
  it('stays away so long, and up to a fifth longer', async () => {
    const waited = await pauses('retry-after=40', 5);
    for (const pause of waited) {
      expect(pause).toBeGreaterThanOrEqual(40_000);
      expect(pause).toBeLessThanOrEqual(48_000);
    }
    expect(new Set(waited).size).toBeGreaterThan(2);
  });

  it('is not sent away for ever, nor by what is no number', async () => {
    expect(Math.max(...(await pauses('retry-after=99999', 2)))).toBeLessThanOrEqual(900_000 * 1.2);
    for (const reason of ['retry-after=1e9', 'retry-after=-1', 'later', 'x retry-after=60']) {
      expect((await pauses(reason, 1))[0]).toBeLessThanOrEqual(1_200);
    }
  });
});

describe('a client whose upgrade is refused', () => {
  it.each(['429 Too Many Requests', '503 Service Unavailable'])(
    'by %s stays away as long as it was told',
    async (status) => {
      const waited = await pausesBehind([status, 'retry-after: 40'], 4);
      for (const pause of waited) {
        expect(pause).toBeGreaterThanOrEqual(40_000);
        expect(pause).toBeLessThanOrEqual(48_000);
      }
      expect(new Set(waited).size).toBeGreaterThan(2);
    },
  );

  it('until a date, by the clock of whoever says it', async () => {
    const dates = ['date: Wed, 21 Oct 2015 07:28:00 GMT', 'retry-after: Wed, 21 Oct 2015 07:29:00 GMT'];
    const [pause] = await pausesBehind(['503 Service Unavailable', ...dates], 1);
    expect(pause).toBeGreaterThanOrEqual(60_000);
    expect(pause).toBeLessThanOrEqual(72_000);
  });

  it('is not sent away for ever, nor by what is no time', async () => {
    const [longest] = await pausesBehind(['503 Service Unavailable', 'retry-after: 999999999'], 1);
    expect(longest).toBeGreaterThanOrEqual(900_000);
    expect(longest).toBeLessThanOrEqual(900_000 * 1.2);
    for (const value of ['1e9', '-1', 'later', '', 'Wed, 21 Oct 2015 07:29:00 GMT']) {
      const [pause] = await pausesBehind(['503 Service Unavailable', `retry-after: ${value}`], 1);
      expect(pause, value).toBeLessThanOrEqual(1_200);
    }
    expect((await pausesBehind(['404 Not Found', 'retry-after: 600'], 1))[0]).toBeLessThanOrEqual(1_200);
  });
});

describe('a client that is refused for good', () => {
  it('says why, keeps nothing waiting and asks no more; it may be started again', async () => {
    const bob = await ownerNamed('bob');
    const relay = await runRelay(await temporaryFolder(), { admission: { kind: 'allowlist', owners: [] } });
    const client = clientOf(relay.url, bob, bob.box.signer);
    const letter = client.sendMail(new Uint8Array(32), random(16), new Uint8Array(1));
    client.start();
    await expect(letter).rejects.toThrow('relay.not_admitted');
    expect([client.state, client.trouble]).toEqual(['refused', 'relay.not_admitted']);
    await expect(client.sendMail(new Uint8Array(32), random(16), new Uint8Array(1))).rejects.toThrow(
      'relay.not_admitted',
    );
    await relay.stop();
    await runRelay(await temporaryFolder(), {}, relay.port);
    // Thirty seconds of its clock are three tenths of ours.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(client.state).toBe('refused');
    client.start();
    await stateOf(client, 'connected');
  });

  it('is one that its owner revoked', async () => {
    const eve = await makeOwner('eve who revokes');
    const relay = await runRelay(await temporaryFolder());
    const client = clientOf(relay.url, eve, eve.box.signer, {
      credentials: { chain: async () => membershipOf(eve), ticket: null },
    });
    client.start();
    await stateOf(client, 'connected');
    const { statement } = await eve.chain.add('revoke', { what: 'device', target: eve.box.did });
    await relay.relay.present([statement.jws]);
    await stateOf(client, 'refused');
    expect(client.trouble).toBe('relay.revoked');
    await expect(client.sendMail(new Uint8Array(32), random(16), new Uint8Array(1))).rejects.toThrow('relay.revoked');
  });
});
