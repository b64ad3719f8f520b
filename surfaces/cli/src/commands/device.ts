import type { CommandSpec } from '../command.ts';

const load = () => import('../owner/devices.run.ts');

export const device: CommandSpec = {
  usage: 'device',
  summary: 'List and revoke devices',
  examples: ['caponier device list', 'caponier device revoke laptop'],
  commands: [
    {
      usage: 'list',
      summary: 'List the devices of this owner',
      examples: ['caponier device list'],
      action: async (run) => (await load()).listDevices(run),
    },
    {
      usage: 'revoke <name>',
      summary: 'Take a device out: it is nobody’s from then on',
      examples: ['caponier device revoke laptop'],
      action: async (run) => (await load()).revokeDevice(run),
    },
  ],
};
