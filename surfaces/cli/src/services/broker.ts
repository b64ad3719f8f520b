import { createBroker, openBrokerStore } from '@caponier/broker';
import { systemClock, systemRandom } from '@caponier/host/home';
import { entryOf } from '@caponier/protocol';
import { eventSink } from './event-sink.ts';
import { follow } from './follow.ts';
import type { Composed, ServiceContext } from './process.ts';

export async function composeBroker(context: ServiceContext): Promise<Composed> {
  const { data, log, me, signer } = context;
  const store = await openBrokerStore(data.file('broker.sqlite'));
  const following = await follow(context, 'full');
  const broker = createBroker({
    store,
    clock: systemClock,
    random: systemRandom,
    signer,
    views: following.follower,
    sink: eventSink(context),
    custody: me.custody,
    tls: me.pin,
    onFailure: (error) => log.warn('broker.failed', { code: entryOf(error).code }),
  });
  return {
    app: broker.app,
    async close() {
      await broker.close();
      await following.close();
    },
  };
}
