import { toBase64url } from '@caponier/crypto';
import { systemClock, systemRandom } from '@caponier/host/home';
import { type ErrorCode, sign } from '@caponier/protocol';
import { fetchOver, systemWait } from '@caponier/sdk/net';
import { createHeadStore, headStoreTables, openDatabase } from '@caponier/store';
import { LogFollower, RegistryHttp, type ViewMode } from '@caponier/verify';
import { anchorOfDeployment, serviceOf } from './deployment.ts';
import type * as operations from './head-operations.ts';
import type { ServiceContext } from './process.ts';

export interface Following {
  readonly follower: LogFollower;
  close(): Promise<void>;
}

/** Milliseconds for the registry to come up beside us before the follower's own patience begins. */
const registryWaitMs = 10_000;
const lookMs = 50;

/** Follows the registry's log with a memory of its own: what was seen is not unseen after a restart. */
export async function follow(context: ServiceContext, mode: ViewMode): Promise<Following> {
  const { deployment, signer, data, transport } = context;
  const registry = serviceOf(deployment, 'registry');
  const db = await openDatabase<typeof operations>({
    path: data.file('heads.sqlite'),
    migrations: [headStoreTables],
    operations: new URL('./head-operations.ts', import.meta.url),
  });
  const fetch = fetchOver(transport, registry.pin);
  const follower = await LogFollower.open({
    registry: new RegistryHttp({
      url: registry.url,
      fetch,
      signer,
      registry: registry.key,
      owner: null,
      random: systemRandom,
      clock: systemClock,
    }),
    memory: createHeadStore(db),
    anchor: anchorOfDeployment(deployment),
    mode,
    clock: systemClock,
    wait: systemWait,
    alarm: (code, facts) => void keepAlarm(context, code, facts),
  });
  const closing = new AbortController();
  // Read to its end: an answer left half read holds its connection.
  const look = async () => (await fetch(`${registry.url}/challenge`)).text();
  const running = reachable(look, closing.signal).then(() => follower.run());
  return {
    follower,
    async close() {
      closing.abort();
      follower.close();
      await running;
      await db.close();
    },
  };
}

/** All services start at once: the first look at a registry that is still starting should not cost a long pause. */
async function reachable(look: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  const end = systemClock() + registryWaitMs;
  while (systemClock() < end && !signal.aborted) {
    const answered = await look().then(
      () => true,
      () => false,
    );
    if (answered) return;
    await systemWait(lookMs, signal);
  }
}

/** Signed facts that contradict each other, kept as an `alarm` of this service for whoever has to find out. */
async function keepAlarm(
  { signer, data, log }: ServiceContext,
  code: ErrorCode,
  facts: readonly string[],
): Promise<void> {
  log.error('alarm.raised', { code });
  const nonce = toBase64url(systemRandom(16));
  const iat = Math.floor(systemClock() / 1000);
  const alarm = await sign(signer, 'alarm', { aud: 'any', code, facts: [...facts], iat, nonce });
  data.folder('alarms').write(`${nonce.replace(/^-/, 'x')}.jws`, new TextEncoder().encode(`${alarm}\n`));
}
