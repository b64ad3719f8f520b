import { describe, expect, it } from 'vitest';
import { joinMeeting } from '../../src/relay/index.ts';
import { connected, hastyWait, ownerNamed, runRelay, stateOf, temporaryFolder, text, transport } from './support.ts';

const name = new Uint8Array(32).fill(6);
const platform = { transport, wait: hastyWait };

describe('a meeting', () => {
  it('brings somebody who is nobody yet together with a device', async () => {
    const ada = await ownerNamed('ada');
    const relay = await runRelay(await temporaryFolder());
    const adder = await connected(relay.url, ada, ada.laptop.signer);
    await expect(joinMeeting(platform, { url: relay.url }, name)).rejects.toThrow('relay.no_meeting');
    const opened = await adder.openMeeting(name);
    await expect(adder.openMeeting(name)).rejects.toThrow('relay.too_many');
    const [guest, host] = await Promise.all([joinMeeting(platform, { url: relay.url }, name), opened.met]);
    await guest.send(text('knock'));
    await host.send(text('who is there'));
    await host.send(text('?'));
    const heard = guest.messages[Symbol.asyncIterator]();
    expect([(await heard.next()).value, (await heard.next()).value]).toEqual([text('who is there'), text('?')]);
    expect((await host.messages[Symbol.asyncIterator]().next()).value).toEqual(text('knock'));
    host.leave();
    expect((await heard.next()).done).toBe(true);
    await expect(guest.send(text('too late'))).rejects.toThrow('relay.meeting_over');
    // The name is free again.
    await adder.openMeeting(name);
  });

  it('that nobody has joined yet is opened again when the relay comes back', async () => {
    const ada = await ownerNamed('ada');
    const folder = await temporaryFolder();
    const relay = await runRelay(folder);
    const adder = await connected(relay.url, ada, ada.laptop.signer);
    const opened = await adder.openMeeting(name);
    await relay.stop();
    await stateOf(adder, 'connecting');
    const again = await runRelay(folder, {}, relay.port);
    await stateOf(adder, 'connected');
    await expect.poll(() => again.relay.counts().meetings).toBe(1);
    const guest = await joinMeeting(platform, { url: again.url }, name);
    await (await opened.met).send(text('welcome'));
    expect((await guest.messages[Symbol.asyncIterator]().next()).value).toEqual(text('welcome'));
    // A break in the middle is told to both; the secret is used up, so nothing is opened again.
    again.cut();
    await expect(guest.messages[Symbol.asyncIterator]().next()).rejects.toThrow('relay.disconnected');
    await stateOf(adder, 'connecting');
    await stateOf(adder, 'connected');
    expect(again.relay.counts().meetings).toBe(0);
  });

  it('is left by whoever gives up waiting', async () => {
    const ada = await ownerNamed('ada');
    const relay = await runRelay(await temporaryFolder());
    const adder = await connected(relay.url, ada, ada.laptop.signer);
    const opened = await adder.openMeeting(name);
    opened.leave();
    await expect(opened.met).rejects.toThrow('relay.meeting_over');
    await expect.poll(() => relay.relay.counts().meetings).toBe(0);
    const stop = new AbortController();
    const waiting = await adder.openMeeting(name);
    const guest = await joinMeeting(platform, { url: relay.url }, name, stop.signal);
    stop.abort();
    await expect(guest.messages[Symbol.asyncIterator]().next()).rejects.toThrow('relay.disconnected');
    const host = await waiting.met;
    await expect(host.messages[Symbol.asyncIterator]().next()).rejects.toThrow('relay.meeting_over');
  });
});
