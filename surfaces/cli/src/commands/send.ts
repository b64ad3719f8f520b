import type { CommandSpec } from '../command.ts';

/** Milliseconds for the relay to have it; it goes out later by itself where it cannot now. */
const acceptMs = 10_000;
/** Milliseconds for a device of the other side to say that it has it; one that is away says so when it comes. */
const deliverMs = 1_500;

export const send: CommandSpec = {
  usage: 'send <to> <text...>',
  summary: 'Send a private message to a device, agent or contact',
  about: `Sealed for the devices of the other side, and kept by the relay until they come. \`-\` as text
reads standard input. \`delivered\` is what a device of the other side signed, not what the relay says.`,
  options: [['--within <time>', 'how long it may wait to be fetched, such as 2h or 3d (default: as the relay does)']],
  examples: ['caponier send bob "the build is green: ship it?"', 'git diff | caponier send claude@box -'],
  action: async ({ args, options, output }) => {
    const [{ fail }, { duration }, { hereDaemon }, { readAll }, { shown }] = await Promise.all([
      import('@caponier/protocol'),
      import('../flags.ts'),
      import('../home/context.ts'),
      import('../terminal/input.ts'),
      import('../terminal/output.ts'),
    ]);
    const { client } = hereDaemon();
    const [to = '', ...words] = args;
    const typed = words.join(' ');
    const text = typed === '-' ? await readAll() : typed;
    if (text.trim() === '') throw fail('cli.usage', 'there is no text');
    const { within } = options as { within?: string };
    const seconds = within === undefined ? null : duration(within, '--within');
    const sent = await client.call('send', { to, text, seconds, waitMs: acceptMs, deliverMs });
    output.document({ to, ...sent });
    const devices = sent.devices === 1 ? 'one device' : `${sent.devices} devices`;
    output.line(
      sent.delivered
        ? `Delivered to ${shown(to)}.`
        : sent.accepted
          ? `Accepted by the relay for ${shown(to)} (${devices}): not delivered yet, it waits there.`
          : `Kept here for ${shown(to)} (${devices}): it goes out when the relay can be reached.`,
    );
  },
};
