import { loadOrCreateKey, systemClock, systemRandom } from '@caponier/host/home';
import { createNodeUpstream, createVault, openVault } from '@caponier/vault';
import { follow } from './follow.ts';
import type { Composed, ServiceContext } from './process.ts';
import { withRemovals } from './removals.ts';

export async function composeVault(context: ServiceContext): Promise<Composed> {
  const { data, keys, log, signer } = context;
  // Before anything is open: a key that others can read ends the start here.
  const masterKey = loadOrCreateKey(keys, 'vault-master.key', systemRandom);
  const db = await openVault(data.file('vault.sqlite'));
  const following = await follow(context, 'full');
  const vault = await createVault({
    db,
    masterKey,
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
