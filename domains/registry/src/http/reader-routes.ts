import { type Did, fail, registryWire } from '@caponier/protocol';
import type { HelloChallenges } from '@caponier/verify';
import { type Context, Hono } from 'hono';
import { MAX_CHAIN_PAGE, MAX_STANDING_FREEZES } from '../limits.ts';
import type { Sequencer } from '../log/sequencer.ts';
import type { AppendJob, Place } from '../owners/plan.ts';
import type { Followers } from '../readers/followers.ts';
import type { RegistryStore } from '../store.ts';
import { numberOf } from './body.ts';

export interface ReaderRoutesOptions {
  readonly store: RegistryStore;
  readonly followers: Followers;
  readonly challenges: HelloChallenges;
  readonly services: readonly Did[];
  readonly owners: Pick<Sequencer<AppendJob, Place[]>, 'head'>;
}

/** What shows statements. Membership is public; private statements go to the owner's readers, proven afresh each time. */
export function readerRoutes(options: ReaderRoutesOptions): Hono {
  const { store, followers, challenges, services, owners } = options;
  const app = new Hono();

  app.get('/challenge', (c) => c.json(challenges.make(), 200, { 'cache-control': 'no-store' }));

  app.get('/statements/:id{[A-Za-z0-9_-]{43}}', async (c) => {
    const stored = await store.statement(c.req.param('id'));
    if (!stored) throw fail('host.not_found');
    const reader = readerOf(c);
    const may = stored.class === 'membership' || (reader !== null && (await isReader(stored.owner, reader)));
    if (!may) throw fail('registry.not_reader', stored.owner);
    const { statement, cosigns } = stored;
    return c.json({ statement, cosigns: [...cosigns] } satisfies registryWire.StatementAnswer);
  });

  app.get('/owners/:owner{[A-Za-z0-9_-]{43}}', async (c) => {
    const owner = c.req.param('owner');
    const from = numberOf(c, 'from', 0);
    const { size, note } = owners.head();
    const reader = readerOf(c);
    const may = reader !== null && (await isReader(owner, reader));
    const page = await store.chain({ owner, from, limit: MAX_CHAIN_PAGE });
    // What no head covers yet may still be a statement that nobody but we have seen.
    const covered = page.filter(({ index }) => index < size);
    // Asked of the store, not of the view: to replay a long chain is more than a stranger's question may cost.
    if (covered.length === 0 && (await store.chain({ owner, from: 0, limit: 1 })).length === 0)
      throw fail('owner.unknown', owner);
    const freezes = await store.freezes({ owner, after: '', limit: MAX_STANDING_FREEZES });
    return c.json({
      chain: covered.map(({ id, index, class: of, statement, cosigns }) =>
        may || of === 'membership' ? { id, index, statement, cosigns: [...cosigns] } : { id, index },
      ),
      freezes: freezes.map(({ statement }) => statement),
      next: covered.length < MAX_CHAIN_PAGE ? null : covered.at(-1)!.seq + 1,
      checkpoint: note,
    } satisfies registryWire.ChainAnswer);
  });

  app.get('/follow', async (c) => {
    const from = numberOf(c, 'from');
    const of = c.req.query('class');
    if (of !== undefined && of !== 'membership') throw fail('registry.bad_range', 'class');
    const reader = readerOf(c);
    const isNamed = reader !== null && (services.some((key) => key === reader) || (await store.readsAnything(reader)));
    const stream = followers.open(from, of === 'membership' ? null : reader, isNamed ? reader : null);
    return c.body(stream, 200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  });

  /** Who asks, where they say so. A proof that does not hold is refused, not taken for a stranger's silence. */
  function readerOf(c: Context): string | null {
    const hello = c.req.header(registryWire.registryHelloHeader);
    return hello === undefined ? null : challenges.prove(hello).kid;
  }

  function isReader(owner: string, key: string): Promise<boolean> {
    return store.isReader({ owner, key });
  }

  return app;
}
