import type { CommandSpec } from '../command.ts';

/** Enough of a key to compare it by eye. */
const keyEnd = (key: string) => `key …${key.slice(-12)}`;

export const trust: CommandSpec = {
  usage: 'trust',
  summary: 'Show whose word counts for this owner',
  examples: ['caponier trust'],
  action: async ({ output }) => {
    const { hereDaemon } = await import('../home/context.ts');
    const { client } = hereDaemon();
    const { trust: named } = await client.call('view', {});
    output.document({ trust: named });
    if (!named) return output.line('This owner trusts no service yet.');
    const { operators, log, witnesses, k, relays, broker, gate, workers } = named;
    output.table([
      ['log', `${log.origin}, ${keyEnd(log.key)}`],
      ...witnesses.map(({ name, key }) => ['witness', `${name}, ${keyEnd(key)}`]),
      ['', `${k} of ${witnesses.length} must sign a head`],
      ...relays.map((key) => ['relay', keyEnd(key)]),
      ...broker.map((key) => ['broker', keyEnd(key)]),
      ...gate.map((key) => ['gate', keyEnd(key)]),
      ...workers.flatMap(({ class: of, keys }) => keys.map((key) => [`worker ${of}`, keyEnd(key)])),
      ...operators.map((key) => ['operator', keyEnd(key)]),
    ]);
  },
};
