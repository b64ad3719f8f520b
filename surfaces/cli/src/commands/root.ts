import type { CommandSpec } from '../command.ts';

export const root: CommandSpec = {
  usage: 'root',
  summary: 'Protect the owner key of this machine',
  examples: ['caponier root passphrase'],
  commands: [
    {
      usage: 'passphrase',
      summary: 'Seal the owner key under a passphrase, or change it; an empty one takes it away',
      about: 'It is then asked for at each signature: add, grant, policy, device revoke, thaw.',
      examples: ['caponier root passphrase'],
      action: async ({ output }) => {
        const [{ systemRandom }, { hereIdentity }, { sealRoot }, { readPassphrase }] = await Promise.all([
          import('@caponier/host/home'),
          import('../home/context.ts'),
          import('../home/root-key.ts'),
          import('../terminal/input.ts'),
        ]);
        const { home } = hereIdentity();
        const sealed = await sealRoot(home, () => readPassphrase('The new passphrase'), systemRandom);
        output.document({ sealed });
        output.line(sealed ? 'The owner key is sealed.' : 'The owner key lies open, as a file only you can read.');
      },
    },
  ],
};
