import { CaponierError } from '@caponier/crypto';
import type { Admitted, Proof } from '@caponier/relay';
import type { Dice } from '../dice.ts';
import type { Arsenal } from '../slot/attempt.ts';
import { chainArsenal } from '../slot/chains.ts';
import { helloArsenal } from '../slot/hellos.ts';
import { ticketArsenal, ticketFor, tokenArsenal, weakArsenal } from '../slot/passes.ts';
import { membershipOf } from '../slot/people.ts';
import { type Door, enter, proofOf, type Scene, setUp } from '../slot/scene.ts';
import { Broken, type Torture } from '../types.ts';

/** Attempts in a round. */
const triesARound = 10_000;
/** Attempts between two that are rightful and must succeed. */
const betweenRightful = 100;

/** How a relay is asked: what is tortured. */
type Ask = (door: Door, proof: Proof) => Promise<Pick<Admitted, 'did' | 'owner'>>;

/** Whoever may come in still does, with a chain and with a token, whatever was tried before. */
async function letIn(ask: Ask, scene: Scene, dice: Dice): Promise<void> {
  const { people, open, ticket, list, tokens } = scene;
  const { ada, cem, mallory, thief } = people;
  const [owner, device, door] = dice.pick([
    [ada, ada.devices[0]!, open],
    [ada, ada.devices[1]!, open],
    [ada, ada.devices[0]!, list],
    [cem, cem.devices[0]!, open],
    [cem, cem.devices[0]!, list],
    [mallory, thief, open],
    [mallory, thief, ticket],
  ] as const);
  const byToken = owner === ada && device === ada.devices[0] && door === open && dice.once(2);
  const hello = await door.hello(device.signer, { owner: owner.id, tls: door.tls });
  const shown = byToken ? { resume: tokens.good } : { chain: membershipOf(owner) };
  const admitted = await ask(door, proofOf(scene, hello, shown));
  if (admitted.did !== device.did || admitted.owner !== owner.id) throw new Broken('let in as somebody else');
}

/** Refused, with a code, and not because something else went wrong. */
async function mustFail(ask: Ask, door: Door, proof: Proof, what: string): Promise<void> {
  let admitted: Awaited<ReturnType<Ask>>;
  try {
    admitted = await ask(door, proof);
  } catch (error) {
    const code = error instanceof CaponierError ? error.code : '';
    if (code.startsWith('relay.') && code !== 'relay.unavailable') return;
    throw new Broken(`${what}: refused without a code for it`, { cause: error });
  }
  throw new Broken(`${what}: let in as ${admitted.did} of ${admitted.owner}`);
}

/** Nothing of all that was tried has stayed: who had not come before comes in now, and what admits once still does. */
async function afterwards(scene: Scene, pass: string): Promise<number> {
  const { ada, cem, dora, fresh, thief } = scene.people;
  const enterAll = async (door: Door, owner: typeof ada, ticket = '') => {
    for (const { signer } of owner.devices) await enter(door, signer, owner.id, membershipOf(owner), ticket);
    return owner.devices.length;
  };
  let entered = 0;
  for (const door of [scene.open, scene.list]) entered += (await enterAll(door, ada)) + (await enterAll(door, cem));
  entered += await enterAll(scene.open, dora);
  entered += await enterAll(scene.ticket, dora, pass);
  const mine = await ticketFor(scene, scene.operator, 9);
  await enter(scene.ticket, thief.signer, fresh.id, membershipOf(fresh), mine);
  return entered + 1;
}

export function tortureSlot(ask: Ask): Torture {
  return {
    name: 'slot',
    summary: 'a slot goes to no device that its owner has not enrolled',
    rounds: 10,
    each: triesARound,
    async round(dice) {
      const scene = await setUp(dice);
      try {
        const { ada, mallory, thief } = scene.people;
        const pass = await ticketFor(scene, scene.operator, 19, { uses: 2 });
        const used = await ticketFor(scene, scene.operator, 20);
        await enter(scene.ticket, ada.devices[0]!.signer, ada.id, membershipOf(ada), pass);
        await enter(scene.ticket, thief.signer, mallory.id, membershipOf(mallory), used);
        const arsenal: Arsenal = {
          ...(await helloArsenal(scene, pass)),
          ...chainArsenal(scene, pass),
          ...(await ticketArsenal(scene, used)),
          ...(await tokenArsenal(scene)),
          ...(await weakArsenal(scene)),
        };
        const names = Object.keys(arsenal);
        const tally: Record<string, number> = { 'rightful let in': 0 };
        for (let n = 0; n < triesARound; n++) {
          if (n % betweenRightful === 0) {
            await letIn(ask, scene, dice);
            tally['rightful let in']! += 1;
          }
          const name = dice.pick(names);
          const { door, proof, how } = await arsenal[name]!(dice);
          await mustFail(ask, door, proof, `${name} (${how})`);
          tally[name] = (tally[name] ?? 0) + 1;
        }
        tally['rightful let in']! += await afterwards(scene, pass);
        return tally;
      } finally {
        await scene.close();
      }
    },
  };
}

export default tortureSlot((door, proof) => door.relay.admission.prove(proof));
