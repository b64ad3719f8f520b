import type { Random } from '@caponier/crypto';
import { type Did, fail, registryWire, type Signer } from '@caponier/protocol';
import { logKey, type NoteKey } from '@caponier/tlog';
import { HelloChallenges } from '@caponier/verify';
import { Hono } from 'hono';
import { eventsPlanner } from './events.ts';
import { problemAnswer } from './http/body.ts';
import { leavingGate } from './http/leaving.ts';
import { logRoutes } from './http/log-routes.ts';
import { readerRoutes } from './http/reader-routes.ts';
import { writerRoutes } from './http/writer-routes.ts';
import { MAX_FOLLOWERS } from './limits.ts';
import { Sequencer } from './log/sequencer.ts';
import type { WitnessClient } from './log/witness-client.ts';
import type { Admission } from './owners/admission.ts';
import { ownersPlanner } from './owners/plan.ts';
import { OwnerViews } from './owners/views.ts';
import { Followers } from './readers/followers.ts';
import type { RegistryStore } from './store.ts';

export interface RegistryOptions {
  readonly store: RegistryStore;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly random: Random;
  readonly signer: Signer;
  /** What the owners' `trust` names as the origin of their log. */
  readonly origin: string;
  readonly witnesses: readonly WitnessClient[];
  /** Witnesses that must cosign before a head is shown and a writer answered. */
  readonly k: number;
  readonly admission: Admission;
  /** Who may write events: the services of this deployment. */
  readonly services: readonly Did[];
  /** SHA-256 of our certificate (base64url), where TLS ends here. */
  readonly tls?: string | null;
  /** Default `MAX_FOLLOWERS`. */
  readonly maxFollowers?: number;
  /** Runs something again and again; gives what stops it. Default: a timer that does not keep the process alive. */
  readonly every?: (ms: number, run: () => void) => () => void;
  /** A log has ended: `log.rolled_back`, `log.forked`, `store.damaged`. Nothing more is signed until a new start. */
  readonly onHalt?: (error: unknown) => void;
}

export interface Registry {
  readonly app: Hono;
  /** The verifier keys of its two logs. */
  readonly keys: Readonly<Record<registryWire.LogName, NoteKey>>;
  /**
   * From now on ends: the streams of followers end, new ones and new appends and events get 503 with `Retry-After`. Appends
   * under way are finished, freezes are obeyed, and everything is still shown, until `close`.
   */
  drain(): void;
  /** Drains, finishes what is under way, and closes the store it was given. */
  close(): Promise<void>;
}

/**
 * The registry: sequences owners' statements and events into two witnessed logs, and shows them.
 *
 * Nobody has to believe it. What it can do wrong is refuse; a chain it altered, a head it took back or showed differently is
 * seen by every reader that follows the log. Starts only when no witness knows a larger head than the store: throws
 * `log.rolled_back`, `log.forked`, `store.damaged`, and then leaves the store open.
 */
export async function createRegistry(options: RegistryOptions): Promise<Registry> {
  const { store, clock, random, signer, origin, witnesses, k, admission, services } = options;
  const every = options.every ?? everyUnref;
  if (witnesses.length < k) throw fail('host.bad_config', 'fewer witnesses than k');
  const views = new OwnerViews(store);
  const logs: Partial<Record<registryWire.LogName, Pick<Sequencer<never, never>, 'newest'>>> = {};
  const followers = new Followers({
    store,
    clock,
    every,
    max: options.maxFollowers ?? MAX_FOLLOWERS,
    head: (log) => logs[log]?.newest() ?? null,
  });
  const onHead = () => followers.wake();
  const shared = { store, clock, every, signer, witnesses, k, onHead, onHalt: options.onHalt ?? (() => {}) };
  const stop = (error: unknown): never => {
    followers.close();
    throw error;
  };
  const owners = await Sequencer.start({
    ...shared,
    log: 'owners',
    origin: registryWire.originOf(origin, 'owners'),
    plan: ownersPlanner({
      store,
      clock,
      views,
      admission,
      did: signer.did,
      onRemoval: ({ stored, view }) => followers.pushRemoval(stored, (key) => view.isReader(key)),
    }),
  }).catch(stop);
  const events = await Sequencer.start({
    ...shared,
    log: 'events',
    origin: registryWire.originOf(origin, 'events'),
    plan: eventsPlanner(store),
  }).catch(async (error) => {
    await owners.close();
    return stop(error);
  });

  Object.assign(logs, { owners, events });
  const challenges = new HelloChallenges({
    clock,
    random,
    service: signer.did,
    tls: options.tls ?? null,
    refusal: 'registry.bad_hello',
  });
  let leaving = false;
  const drain = () => {
    leaving = true;
    followers.close();
  };
  const app = new Hono();
  app.use(leavingGate(() => leaving));
  app.onError(problemAnswer);
  app.notFound(() => problemAnswer(fail('host.not_found')));
  app.route('/', writerRoutes({ store, clock, views, followers, challenges, services, owners, events }));
  app.route('/', readerRoutes({ store, followers, challenges, services, owners }));
  app.route('/', logRoutes(store, { owners, events }));

  return {
    app,
    keys: {
      owners: logKey(registryWire.originOf(origin, 'owners'), signer.did),
      events: logKey(registryWire.originOf(origin, 'events'), signer.did),
    },
    drain,
    close: async () => {
      drain();
      await Promise.all([owners.close(), events.close()]);
      await store.close();
    },
  };
}

function everyUnref(ms: number, run: () => void): () => void {
  const timer = setInterval(run, ms);
  timer.unref();
  return () => clearInterval(timer);
}
