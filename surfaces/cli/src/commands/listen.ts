import type { CommandSpec } from '../command.ts';

export const listen: CommandSpec = {
  usage: 'listen',
  summary: 'Show letters that are waiting, then new ones as they come',
  about: 'A letter that was shown is taken: it is not shown again.',
  options: [
    ['--count <n>', 'end after so many letters'],
    ['--timeout <seconds>', 'end after so many seconds'],
    ['--keep', 'leave the letters where they are'],
  ],
  examples: ['caponier listen', 'caponier listen --count 1 --timeout 60 --json'],
  action: async ({ options, output }) => {
    const [{ hereDaemon }, { shown }, { wholeNumber }, { printable }] = await Promise.all([
      import('../home/context.ts'),
      import('../terminal/output.ts'),
      import('../flags.ts'),
      import('@caponier/sdk/printable'),
    ]);
    const { client } = hereDaemon();
    const count = wholeNumber(options.count, '--count', 1, 100_000) ?? Number.POSITIVE_INFINITY;
    const seconds = wholeNumber(options.timeout, '--timeout', 1, 86_400 * 7);
    const end = new AbortController();
    const timer = seconds === undefined ? null : setTimeout(() => end.abort(), seconds * 1000);
    process.once('SIGINT', () => end.abort());
    let seen = 0;
    try {
      for await (const letter of client.stream('letters', {}, end.signal)) {
        const { id, from, toAgent, text, sentAt } = letter;
        output.item(letter);
        const time = new Date(sentAt).toTimeString().slice(0, 5);
        const to = toAgent === null ? '' : ` to ${shown(toAgent)}`;
        output.line(`${output.style('dim', time)} ${output.style('bold', shown(from))}${to}`);
        output.line(printable(text, { lines: true }).replace(/^/gm, '  '));
        // Shown first: a letter that was taken and not shown would be lost.
        if (!options.keep) await client.call('take', { letter: id });
        if (++seen >= count) break;
      }
    } catch (error) {
      if (!end.signal.aborted) throw error;
    } finally {
      if (timer) clearTimeout(timer);
    }
  },
};
