import { fail } from '@caponier/protocol';
import type { Adding, Joining } from '@caponier/sdk';
import type { LocalContext } from '../context.ts';
import type { TalkHandler, TalkSide } from './talk.ts';

/** `caponier add`: a meeting for somebody to join. The hand compares, says yes, and signs; the daemon has no owner key. */
export const add =
  ({ device }: LocalContext): TalkHandler<'add'> =>
  async (talk, { kind, name, tickets }) => {
    const adding = device.add({ kind, tickets, ...(name === null ? {} : { name }) });
    listen(talk, adding);
    for await (const event of adding.events) talk.say(event);
  };

/** `caponier join` of a contact's code, in a home that has an owner. */
export const joinContact =
  ({ device }: LocalContext): TalkHandler<'joinContact'> =>
  async (talk, { code, words, relay, pin, contact }) => {
    const joining = device.joinContact({
      contact,
      ...(code === null ? {} : { code }),
      ...(words === null ? {} : { words }),
      ...(relay === null ? {} : { relay }),
      ...(pin === null ? {} : { pin }),
    });
    listen(talk, joining);
    for await (const event of joining.events) {
      if (event.type !== 'done') {
        talk.say(event);
        continue;
      }
      await joining.stored();
      if (!event.result.contact) throw fail('host.internal', 'joined no contact');
      talk.say({ type: 'done', contact: event.result.contact });
    }
  };

/** Carries the hand's answers to the meeting, and ends the meeting when the hand goes. */
function listen(talk: TalkSide<'add'> | TalkSide<'joinContact'>, meeting: Adding | Joining): void {
  const answers = async () => {
    for (let said = await talk.next(); said !== null; said = await talk.next()) {
      if (said instanceof Uint8Array || said.type === 'start') throw fail('host.bad_body', 'answer');
      if (said.type === 'confirm') meeting.confirm(said.yes);
      else meeting.sign(said.signed);
    }
  };
  answers()
    .catch(() => {})
    .finally(() => meeting.cancel());
}
