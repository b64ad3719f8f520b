import type { CommandSpec } from '../command.ts';

export const thaw: CommandSpec = {
  usage: 'thaw',
  summary: 'Lift freezes',
  about: `Signed by the owner key together with this device, an approver that is not frozen; or with
--phrase-stdin by the recovery key alone.`,
  options: [
    ['--freeze <id>', 'only this one (default: all that are in force)'],
    ['--phrase-stdin', 'read the 24 words from standard input'],
  ],
  examples: ['caponier thaw', 'caponier thaw --phrase-stdin < words.txt'],
  action: async ({ options, output }) => {
    const [{ hereDaemon }, { deviceSigner, extendChain, signWithRoot, signWithPhrase }, { shown }] = await Promise.all([
      import('../home/context.ts'),
      import('../home/hand.ts'),
      import('../terminal/output.ts'),
    ]);
    const { home, client } = hereDaemon();
    const { freezes: standing } = await client.call('view', {});
    const chosen = standing.filter(({ id }) => options.freeze === undefined || id.startsWith(options.freeze));
    if (chosen.length === 0) {
      output.document({ thawed: [] });
      output.line('No freeze is in force.');
      return;
    }
    const freezes = chosen.map(({ id }) => id);
    await extendChain({ home, client }, [{ kind: 'thaw', members: { freezes } }], (need) =>
      options.phraseStdin ? signWithPhrase(need) : signWithRoot(home, need, [deviceSigner(home)]),
    );
    output.document({ thawed: chosen });
    const { devices } = await client.call('status', {});
    for (const { what, target } of chosen) {
      const name = devices.find(({ did }) => did === target)?.name ?? target;
      output.line(`Lifted: ${name === null ? 'everything' : `${what} ${shown(name)}`}`);
    }
    output.line('A device that was cut off is back within half a minute.');
  },
};
