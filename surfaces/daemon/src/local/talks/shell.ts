import { type ErrorCode, errorCatalogue, fail } from '@caponier/protocol';
import type { Duplex } from '@caponier/sdk';
import { shellErrors, shellOutput } from '../../local-api.ts';
import { decodeHostFrame, encodeClientFrame } from '../../shell/frames.ts';
import type { LocalContext } from '../context.ts';
import type { TalkHandler, TalkSide } from './talk.ts';

/** `caponier shell`: carries bytes between the terminal here and the process there, over one channel. */
export const shell =
  ({ device }: LocalContext): TalkHandler<'shell'> =>
  async (talk, { device: name, command, terminal }) => {
    const channel = await device.channels.open(name, 'shell');
    try {
      talk.say({ type: 'open', device: name, viewAge: channel.viewAge });
      await channel.send(encodeClientFrame({ type: 'start', command, terminal }));
      void carryInput(talk, channel).catch(() => channel.close());
      await carryOutput(talk, channel);
    } finally {
      channel.close();
    }
  };

async function carryInput(talk: TalkSide<'shell'>, channel: Duplex): Promise<void> {
  for (let said = await talk.next(); said !== null; said = await talk.next()) {
    if (said instanceof Uint8Array) await channel.send(encodeClientFrame({ type: 'input', bytes: said }));
    else if (said.type === 'start') throw fail('host.bad_body', 'a second start');
    else await channel.send(encodeClientFrame(said));
  }
  channel.close();
}

async function carryOutput(talk: TalkSide<'shell'>, channel: Duplex): Promise<void> {
  for await (const message of channel.messages) {
    const frame = decodeHostFrame(message);
    if (frame.type === 'output' || frame.type === 'errors') {
      await talk.sayBytes(frame.type === 'output' ? shellOutput : shellErrors, frame.bytes);
    } else if (frame.type === 'exit') {
      return talk.say(frame);
    } else if (frame.type === 'refused') {
      throw fail(
        Object.hasOwn(errorCatalogue, frame.code) ? (frame.code as ErrorCode) : 'session.closed',
        'refused there',
      );
    }
  }
  throw fail('session.closed', 'the shell ended without an exit');
}
