import type { CommandSpec } from '../command.ts';

export const freeze: CommandSpec = {
  usage: 'freeze',
  summary: 'Stop everything, one device or one agent, now',
  about: `Signed by this device, which must be an approver, and told to every service directly: it
says who did not acknowledge. Without a flag everything stops. \`thaw\` lifts it.`,
  options: [
    ['--device <name>', 'this device'],
    ['--agent <name>', 'this agent, such as claude@box'],
  ],
  examples: ['caponier freeze --device laptop', 'caponier freeze'],
  action: async ({ options, output }) => {
    const [{ fail }, { hereDaemon }, { tellPushes }, { deviceNamed }] = await Promise.all([
      import('@caponier/protocol'),
      import('../home/context.ts'),
      import('../owner/pushes.ts'),
      import('../owner/devices.ts'),
    ]);
    const { device, agent } = options as { device?: string; agent?: string };
    if (device !== undefined && agent !== undefined) throw fail('cli.usage', '--device and --agent exclude each other');
    const { client } = hereDaemon();
    const what = device !== undefined ? 'device' : agent !== undefined ? 'agent' : 'all';
    const target = device !== undefined ? (await deviceNamed(client, device)).did : (agent ?? null);
    const report = await client.call('freeze', { what, target });
    output.document(report);
    output.line(`Frozen: ${device ?? agent ?? 'everything'}. Lift it with: caponier thaw`);
    tellPushes(report, output);
  },
};
