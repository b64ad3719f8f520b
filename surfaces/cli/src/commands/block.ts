import type { CommandSpec, Run } from '../command.ts';

async function set({ args: [who = ''], output }: Run, blocked: boolean): Promise<void> {
  const [{ hereDaemon }, { shown }] = await Promise.all([
    import('../home/context.ts'),
    import('../terminal/output.ts'),
  ]);
  const done = await hereDaemon().client.call('block', { who, blocked });
  output.document(done);
  const said = blocked
    ? `${shown(who)} cannot reach this device any more, and is not told.`
    : `${shown(who)} may reach this device again.`;
  output.line(done.told ? said : `${said} The relay hears of it when it can be reached.`);
}

export const block: CommandSpec = {
  usage: 'block <contact>',
  summary: 'Hear nothing more of a contact, or of one of their devices',
  about: `On this device. What waits from there is dropped, and whoever sends from there finds this device
as unreachable as one that does not exist. The contact stays one: \`unblock\` lifts it.`,
  examples: ['caponier block bob', 'caponier block bob/phone'],
  action: (run) => set(run, true),
};

export const unblock: CommandSpec = {
  usage: 'unblock <contact>',
  summary: 'Hear a blocked contact, or one of their devices, again',
  examples: ['caponier unblock bob'],
  action: (run) => set(run, false),
};
