import { toBase64url } from '@caponier/crypto';
import { systemClock, systemRandom } from '@caponier/host/home';
import { registryWire } from '@caponier/protocol';
import { call, callText, helloFor } from '@caponier/sdk/net';
import type { EventSink } from '@caponier/store';
import { serviceOf } from './deployment.ts';
import type { ServiceContext } from './process.ts';

/** The deployment's `events` log, reached as this service. */
export function eventSink({ deployment, signer, transport }: ServiceContext): EventSink {
  const registry = serviceOf(deployment, 'registry');
  const platform = { transport, random: systemRandom, clock: systemClock };
  return {
    async submit(leaves) {
      const headers = await helloFor(platform, registry, signer, null);
      const body = { leaves: leaves.map(toBase64url) };
      return (await call(transport, registry, '/events', registryWire.EventsAnswer, { body, headers })).indices;
    },
    prove: (leaf) => callText(transport, registry, `/events/proof?index=${leaf}`),
  };
}
