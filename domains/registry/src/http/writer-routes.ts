import { type Did, fail, registryWire, type Verified, verifyStatement } from '@caponier/protocol';
import { encodeEventsLeaf } from '@caponier/tlog';
import { type HelloChallenges, openChainStatement, openCosigns } from '@caponier/verify';
import { Hono } from 'hono';
import type { EventsJob } from '../events.ts';
import type { Sequencer } from '../log/sequencer.ts';
import type { AppendJob, Place } from '../owners/plan.ts';
import type { OwnerViews } from '../owners/views.ts';
import type { Followers } from '../readers/followers.ts';
import type { RegistryStore } from '../store.ts';
import { bodyOf, bounded } from './body.ts';

export interface WriterRoutesOptions {
  readonly store: RegistryStore;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly views: OwnerViews;
  readonly followers: Followers;
  readonly challenges: HelloChallenges;
  readonly services: readonly Did[];
  readonly owners: Pick<Sequencer<AppendJob, Place[]>, 'submit'>;
  readonly events: Pick<Sequencer<EventsJob, number[]>, 'submit'>;
}

/** What changes the registry: chains, freezes, events. */
export function writerRoutes(options: WriterRoutesOptions): Hono {
  const { store, clock, views, followers, challenges, services, owners, events } = options;
  const app = new Hono();

  app.post('/append', bounded, async (c) => {
    const { body, bytes } = await bodyOf(c, registryWire.AppendRequest);
    const { result, checkpoint } = await owners.submit(openAppend(body), bytes);
    return c.json({ appended: result, checkpoint: checkpoint.note } satisfies registryWire.AppendAnswer);
  });

  app.post('/freeze', bounded, async (c) => {
    const { body } = await bodyOf(c, registryWire.FreezeRequest);
    const freeze = verifyStatement(body.statement, 'freeze');
    const owner = freeze.payload.aud;
    await views.demandApprover(owner, freeze.kid);
    const frozen = (await knownView(owner)).withFreeze(freeze);
    // Lifted before it arrived: it stands no more, and nobody needs to hear of it.
    if (frozen.isThawed(freeze.id)) return c.json({ id: freeze.id, followers: 0 } satisfies registryWire.FreezeAnswer);
    const isNew = await store.addFreeze({ id: freeze.id, owner, statement: freeze.jws, at: clock() });
    views.set((await knownView(owner)).withFreeze(freeze));
    const reached = isNew ? followers.pushFreeze(freeze.jws) : followers.size;
    return c.json({ id: freeze.id, followers: reached } satisfies registryWire.FreezeAnswer);
  });

  app.post('/events', bounded, async (c) => {
    const hello = challenges.prove(c.req.header(registryWire.registryHelloHeader) ?? '');
    if (!services.includes(hello.kid)) throw fail('registry.not_service', hello.kid);
    const { body, bytes } = await bodyOf(c, registryWire.EventsRequest);
    const { result, checkpoint } = await events.submit(body.leaves.map(encodeEventsLeaf), bytes);
    return c.json({ indices: result, checkpoint: checkpoint.note } satisfies registryWire.EventsAnswer);
  });

  async function knownView(owner: string) {
    const view = await views.get(owner);
    if (!view) throw fail('owner.unknown', owner);
    return view;
  }

  return app;
}

/** The one place where an append becomes verified statements; whose they may be is judged in sequence. */
function openAppend({ statements, ticket }: registryWire.AppendRequest): AppendJob {
  const opened = statements.map(({ statement: jws, cosigns }) => {
    const statement = openChainStatement(jws);
    return { statement, cosigns: openCosigns(cosigns).filter((cosign) => cosign.payload.of === statement.id) };
  });
  const owner = ownerOf(opened[0]!.statement);
  if (!opened.every(({ statement }) => ownerOf(statement) === owner))
    throw fail('host.bad_body', 'statements of two owners');
  return { owner, statements: opened, ticket: ticket === undefined ? null : verifyStatement(ticket, 'ticket') };
}

function ownerOf(statement: AppendJob['statements'][number]['statement']): string {
  return statement.kind === 'owner' ? statement.id : (statement as Verified<'trust'>).payload.owner;
}
