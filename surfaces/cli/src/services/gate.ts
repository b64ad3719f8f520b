import { createGate, openGateStore } from '@caponier/gate';
import { systemClock, systemRandom } from '@caponier/host/home';
import { entryOf } from '@caponier/protocol';
import { eventSink } from './event-sink.ts';
import { follow } from './follow.ts';
import type { Composed, ServiceContext } from './process.ts';

export async function composeGate(context: ServiceContext): Promise<Composed> {
  const { data, log, me, signer } = context;
  const store = await openGateStore(data.file('gate.sqlite'));
  const following = await follow(context, 'full');
  const gate = createGate({
    store,
    clock: systemClock,
    random: systemRandom,
    signer,
    views: following.follower,
    sink: eventSink(context),
    custody: me.custody,
    tls: me.pin,
    onFailure: (error) => log.warn('gate.failed', { code: entryOf(error).code }),
  });
  return {
    app: gate.app,
    async close() {
      await gate.close();
      await following.close();
    },
  };
}
