import { describe, expect, it } from 'vitest';
import { codeOf, connect, listen, ownerNamed, Peer, startRelay } from './support.ts';

const name = new Uint8Array(32).fill(3);
const body = new Uint8Array([1, 2, 3]);

async function meeting(options: Parameters<typeof startRelay>[0] = {}) {
  const ada = await ownerNamed('ada');
  const test = await startRelay(options);
  const { peer: adder } = await connect(test, ada, ada.laptop.signer);
  adder.send('meet', { channel: 4, join: false, name });
  expect(await adder.next('met')).toEqual({ type: 'met', channel: 4, together: false });
  return { ada, test, adder };
}

async function guestOf(test: Awaited<ReturnType<typeof startRelay>>, where = name, join = true): Promise<Peer> {
  const guest = new Peer(test.url);
  await guest.next('challenge');
  guest.send('meet', { channel: 1, join, name: where });
  return guest;
}

describe('a meeting', () => {
  it('brings a device and a stranger together, passes what they say, and ends for both', async () => {
    const { test, adder } = await meeting();
    const guest = await guestOf(test);
    expect((await guest.next('met')).together).toBe(true);
    expect(await adder.next('met')).toEqual({ type: 'met', channel: 4, together: true });
    guest.send('say', { channel: 1, body });
    expect(await adder.next('say')).toEqual({ type: 'say', channel: 4, body });
    adder.send('say', { channel: 4, body });
    expect(await guest.next('say')).toEqual({ type: 'say', channel: 1, body });
    expect(test.relay.counts()).toMatchObject({ meetings: 1, strangers: 1 });
    adder.send('leave', { channel: 4, code: 0 });
    expect((await guest.next('leave')).code).toBe(0);
    expect(await guest.gone()).toBe(1000);
    await expect.poll(() => test.relay.counts()).toMatchObject({ connections: 1, strangers: 0, meetings: 0 });
  });

  it('between two devices of different owners works the same', async () => {
    const { test, adder } = await meeting();
    const bob = await ownerNamed('bob');
    const other = await listen(test, bob, bob.box.signer);
    other.send('meet', { channel: 9, join: true, name });
    expect(await other.next('met')).toEqual({ type: 'met', channel: 9, together: true });
    other.send('say', { channel: 9, body });
    expect((await adder.next('say')).body).toEqual(body);
    other.ws.terminate();
    expect(codeOf(await adder.next('leave'))).toBe('relay.meeting_over');
    await adder.settle();
  });

  it('is for two: a third finds nobody, and learns nothing', async () => {
    const { test } = await meeting();
    const guest = await guestOf(test);
    await guest.next('met');
    const third = await guestOf(test);
    expect(codeOf(await third.gone())).toBe('relay.no_meeting');
    const nobody = await guestOf(test, new Uint8Array(32));
    expect(codeOf(await nobody.gone())).toBe('relay.no_meeting');
    guest.send('ping', {});
    await guest.next('pong');
  });

  it('is opened by devices only, under a name nobody uses, few at a time', async () => {
    const { ada, test, adder } = await meeting({ limits: { meetingsPerOwner: 2 } });
    const stranger = await guestOf(test, new Uint8Array(32), false);
    expect(codeOf(await stranger.gone())).toBe('relay.protocol');
    const { peer: box } = await connect(test, ada, ada.box.signer);
    box.send('meet', { channel: 1, join: false, name });
    expect(await box.next('error')).toMatchObject({ channel: 1, code: 4420 });
    adder.send('meet', { channel: 5, join: false, name: new Uint8Array(32).fill(1) });
    await adder.next('met');
    adder.send('meet', { channel: 6, join: false, name: new Uint8Array(32).fill(2) });
    expect(codeOf(await adder.next('error'))).toBe('relay.too_many');
    adder.send('meet', { channel: 7, join: true, name: new Uint8Array(32).fill(9) });
    expect(codeOf(await adder.next('error'))).toBe('relay.no_meeting');
    adder.send('meet', { channel: 5, join: false, name: new Uint8Array(32).fill(4) });
    expect(codeOf(await adder.gone())).toBe('relay.protocol');
  });

  it('a guest may do nothing else', async () => {
    for (const attempt of [
      (guest: Peer) => guest.send('hello', { hello: 'a.b.c', ticket: '', resume: new Uint8Array(0), chain: [] }),
      (guest: Peer) => guest.send('mail', { to: name, id: name.slice(16), seconds: 0, body }),
      (guest: Peer) => guest.send('meet', { channel: 2, join: true, name }),
      (guest: Peer) => guest.send('open', { channel: 1, peer: name, purpose: 1 }),
      (guest: Peer) => guest.send('fetch', { channel: 1, device: name }),
    ]) {
      const { test, adder } = await meeting();
      const guest = await guestOf(test);
      await guest.next('met');
      attempt(guest);
      expect(codeOf(await guest.gone())).toBe('relay.protocol');
      expect(codeOf(await adder.next('leave'))).toBe('relay.meeting_over');
    }
  });

  it('lasts ten minutes', async () => {
    const { test, adder } = await meeting();
    const guest = await guestOf(test);
    await guest.next('met');
    for (let seconds = 0; seconds < 600; seconds += 60) {
      test.clock.advance(60);
      guest.send('ping', {});
      await guest.next('pong');
      await adder.settle();
      test.tick();
    }
    expect(codeOf(await guest.next('leave'))).toBe('relay.meeting_over');
    expect(codeOf(await adder.next('leave'))).toBe('relay.meeting_over');
    expect(await guest.gone()).toBe(1000);
  });

  it('carries so many bytes and no more, and nobody is heard before the other is there', async () => {
    const { test, adder } = await meeting({ limits: { meetingBytes: 1000 } });
    const guest = await guestOf(test);
    await guest.next('met');
    guest.send('say', { channel: 1, body: new Uint8Array(600) });
    await adder.next('say');
    adder.send('say', { channel: 4, body: new Uint8Array(401) });
    expect(codeOf(await guest.next('leave'))).toBe('relay.meeting_over');
    expect(codeOf(await adder.next('leave'))).toBe('relay.meeting_over');
    adder.send('meet', { channel: 5, join: false, name });
    await adder.next('met');
    adder.send('say', { channel: 5, body });
    expect(codeOf(await adder.gone())).toBe('relay.protocol');
  });

  it('a guest that does not read ends it, at little cost', async () => {
    const { test, adder } = await meeting({ limits: { meetingBytes: 64 * 1024 * 1024 } });
    const guest = await guestOf(test);
    await guest.next('met');
    guest.ws.pause();
    const say = new Uint8Array(65_000);
    for (let n = 0; n < 400 && adder.all('leave').length === 0; n++) {
      adder.send('say', { channel: 4, body: say });
      if (n % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(codeOf(await adder.next('leave'))).toBe('relay.too_slow');
    guest.ws.resume();
  });
});
