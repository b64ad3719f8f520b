import { systemClock, systemRandom } from '@caponier/host/home';
import { createMemory, openMemory } from '@caponier/memory';
import { follow } from './follow.ts';
import type { Composed, ServiceContext } from './process.ts';
import { withRemovals } from './removals.ts';

/** `memory`, or the second instance with keys and a file of its own for `config`. */
export const composeMemory =
  (of: 'memory' | 'config') =>
  async (context: ServiceContext): Promise<Composed> => {
    const { data, log, signer } = context;
    const db = await openMemory(data.file('memory.sqlite'));
    const following = await follow(context, 'full');
    const memory = await createMemory({
      class: of,
      db,
      signer,
      views: following.follower,
      random: systemRandom,
      clock: systemClock,
    });
    return {
      app: withRemovals(memory.app, following.follower, log),
      async close() {
        await memory.close();
        await following.close();
      },
    };
  };
