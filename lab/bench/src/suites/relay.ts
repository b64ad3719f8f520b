import { availableParallelism } from 'node:os';
import { interleave } from '../measure.ts';
import { type Child, startChild } from '../relay/child.ts';
import type { LoadOptions } from '../relay/load.ts';
import type { Suite } from '../suite.ts';

const pairs = 8;
const payload = 256;
const roundMs = 1_000;
const rounds = 7;

/** A relay and its clients, each a process of its own. */
async function startSide(module: string, relay: boolean): Promise<{ load: Child; server: Child }> {
  const server = startChild(module);
  const port = (await server.ask({})) as number;
  const load = startChild('./load.ts');
  await load.ask({ port, relay, pairs, payload } satisfies LoadOptions);
  return { load, server };
}

/**
 * What the relay forwards between authenticated devices over streams, with credit and bounds, against the least a relay
 * can do over ws: two connections spliced. The same clients drive both, in turns.
 */
export default {
  name: 'relay',
  async run(report) {
    const ours = await startSide('./serve-relay.ts', true);
    const bare = await startSide('./serve-splice.ts', false);
    const round =
      ({ load }: { load: Child }) =>
      async () =>
        (await load.ask({ milliseconds: roundMs })) as number;
    report.progress(`forward-${payload}`);
    const measured = await interleave(round(ours), round(bare), Math.min(rounds, report.rounds));
    report.row({ name: `forward-${payload}`, unit: 'messages/s', ...measured });
    report.note(
      `${pairs} pairs, ${payload} byte payloads, ${availableParallelism()} cores; challenges of one address raised to 1000 a minute`,
    );
    for (const { load, server } of [ours, bare]) {
      load.end();
      server.end();
    }
  },
} satisfies Suite;
