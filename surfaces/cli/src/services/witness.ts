import { systemClock } from '@caponier/host/home';
import { registryWire } from '@caponier/protocol';
import { logKey } from '@caponier/tlog';
import { createWitness, openWitnessStore } from '@caponier/witness';
import { serviceOf } from './deployment.ts';
import type { Composed, ServiceContext } from './process.ts';

export async function composeWitness({ deployment, data, log, signer }: ServiceContext): Promise<Composed> {
  const registry = serviceOf(deployment, 'registry');
  const name = deployment.witnesses.find(({ key }) => key === signer.did)?.name ?? 'witness';
  const witness = createWitness({
    store: await openWitnessStore(data.file('witness.sqlite')),
    clock: systemClock,
    signer,
    name,
    logs: registryWire.logNames.map((log) => logKey(registryWire.originOf(deployment.origin, log), registry.key)),
    onFork: () => log.error('log.forked', { code: 'log.forked' }),
  });
  return { app: witness.app, close: () => witness.close() };
}
