import type { CommandSpec } from '../command.ts';

/** Milliseconds for the relay to have it; it goes out later by itself where it cannot now. */
const acceptMs = 10_000;

export const send: CommandSpec = {
  usage: 'send <to> <text...>',
  summary: 'Send a private message to a device, agent or contact',
  about: `Sealed for the devices of the other side, and kept by the relay until they come. \`-\` as text
reads standard input.`,
  examples: ['caponier send bob "the build is green: ship it?"', 'git diff | caponier send claude@box -'],
  action: async ({ args, output }) => {
    const [{ fail }, { hereDaemon }, { readAll }, { shown }] = await Promise.all([
      import('@caponier/protocol'),
      import('../home/context.ts'),
      import('../terminal/input.ts'),
      import('../terminal/output.ts'),
    ]);
    const { client } = hereDaemon();
    const [to = '', ...words] = args;
    const typed = words.join(' ');
    const text = typed === '-' ? await readAll() : typed;
    if (text.trim() === '') throw fail('cli.usage', 'there is no text');
    const sent = await client.call('send', { to, text, waitMs: acceptMs });
    output.document({ to, ...sent });
    const devices = sent.devices === 1 ? 'one device' : `${sent.devices} devices`;
    output.line(
      sent.accepted
        ? `Sent to ${shown(to)} (${devices}): the relay keeps it until it is read.`
        : `Kept here for ${shown(to)} (${devices}): it goes out when the relay can be reached.`,
    );
  },
};
