import { verifyStatement } from '@caponier/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signTicket } from '../src/index.ts';
import { joinWith } from './joining.ts';
import { makeWorld, newHome, newSigner, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld('ticket');
});
afterAll(() => world.close());

describe('where registry and relay ask for a ticket', () => {
  test('a device that is added needs none: its owner is in', async () => {
    const home = newHome();
    const { result } = await joinWith(world, home, { kind: 'member', device: 'box', tickets: true });
    expect(result.start!.tickets).toEqual([]);
    const box = await world.open(home, result.start!);
    await box.ready();
  });

  test('an owner that begins as a contact gets one for each from whoever adds it, and is in', async () => {
    const home = newHome();
    const { result } = await joinWith(world, home, {
      kind: 'contact',
      name: 'bob',
      device: 'bobs-laptop',
      contact: 'alice',
      root: newSigner(),
      tickets: true,
    });
    const tickets = result.start!.tickets.map((jws) => verifyStatement(jws, 'ticket'));
    expect(tickets.map(({ kid, payload }) => [kid, payload.uses])).toEqual([
      [world.root.did, 1],
      [world.root.did, 1],
    ]);
    expect(tickets.map(({ payload }) => payload.aud)).toContain(world.relay.did);
    const bob = await world.open(home, result.start!);
    await bob.ready();
    const arrived = new Promise((resolve) => bob.mail.onMail(resolve));
    await world.laptop.mail.send({ to: 'bob', text: 'you are in' });
    expect(await arrived).toMatchObject({ from: 'alice', text: 'you are in' });
  });

  test('one of the relay for several owners is passed on by whoever got in with it, as long as it is good', async () => {
    const ticketOf = (change: object) =>
      signTicket({ aud: world.relay.did, uses: 5, lives: 3600, ...change }, { ...world.platform, signer: world.root });
    const home = newHome();
    const { result } = await joinWith(world, home, { kind: 'member', device: 'desk' });
    const passedOn = async (ticket: string, name: string) => {
      const desk = await world.open(home, { ...result.start!, tickets: [ticket] });
      await desk.ready();
      const newcomer = {
        kind: 'contact',
        name,
        device: 'theirs',
        contact: 'alice',
        root: newSigner(),
        tickets: true,
      } as const;
      const joined = await joinWith({ ...world, laptop: desk }, newHome(), newcomer);
      await desk.close();
      return joined.result.start!.tickets;
    };
    const several = await ticketOf({});
    expect((await passedOn(several, 'dave'))[0]).toBe(several);
    for (const change of [{ uses: 1 }, { lives: -1 }, { aud: newSigner().did }]) {
      const other = await ticketOf(change);
      expect(await passedOn(other, `erin-${Object.keys(change)[0]}`), JSON.stringify(change)).not.toContain(other);
    }
  });

  test('an owner without one stays out', async () => {
    const joined = joinWith(world, newHome(), {
      kind: 'contact',
      name: 'carol',
      device: 'carols-laptop',
      contact: 'alice',
      root: newSigner(),
    });
    await expect(joined).rejects.toMatchObject({ code: expect.stringMatching(/not_admitted$/) });
  });
});
