import { createClassify, openClassify, openDetector } from '@caponier/classify';
import { systemClock, systemRandom } from '@caponier/host/home';
import { follow } from './follow.ts';
import type { Composed, ServiceContext } from './process.ts';
import { withRemovals } from './removals.ts';

export async function composeClassify(context: ServiceContext): Promise<Composed> {
  const { data, log, signer } = context;
  const db = await openClassify(data.file('classify.sqlite'));
  const following = await follow(context, 'full');
  const classify = await createClassify({
    db,
    detector: openDetector(),
    signer,
    views: following.follower,
    random: systemRandom,
    clock: systemClock,
  });
  return {
    app: withRemovals(classify.app, following.follower, log),
    async close() {
      await classify.close();
      await following.close();
    },
  };
}
