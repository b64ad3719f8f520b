import { loadOrCreateKey, systemClock, systemRandom } from '@caponier/host/home';
import { createNodeUpstream, createVault, openVault } from '@caponier/vault';
import { follow } from './follow.ts';
import type { Composed, ServiceContext } from './process.ts';
import { withRemovals } from './removals.ts';

export async function composeVault(context: ServiceContext): Promise<Composed> {
  const { data, keys, log, signer } = context;
  const db = await openVault(data.file('vault.sqlite'));
  const following = await follow(context, 'full');
  const vault = await createVault({
    db,
    masterKey: loadOrCreateKey(keys, 'vault-master.key', systemRandom),
    upstream: createNodeUpstream(),
    signer,
    views: following.follower,
    random: systemRandom,
    clock: systemClock,
  });
  return {
    app: withRemovals(vault.app, following.follower, log),
    async close() {
      await vault.close();
      await following.close();
    },
  };
}
