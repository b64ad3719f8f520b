import type { Random } from '@caponier/crypto';
import {
  type Custody,
  entryOf,
  fail,
  idOf,
  permitWire,
  problemContentType,
  problemOf,
  type Signer,
} from '@caponier/protocol';
import { DecisionDesk, DecisionRecord, type EventSink } from '@caponier/store';
import { HelloChallenges, proveDevice, type ServiceViews } from '@caponier/verify';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { Permits } from './permits.ts';
import { Policies } from './policies.ts';
import { Reports } from './reports.ts';
import type { GateStore } from './sqlite.ts';

export interface GateOptions {
  readonly store: GateStore;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly random: Random;
  /** The gate's key, as owners name it in `trust`. Ed25519. */
  readonly signer: Signer;
  /** A `LogFollower`, which reads everything. */
  readonly views: ServiceViews;
  /** The deployment's `events` log. */
  readonly sink: EventSink;
  /** How far the gate's key is from the agents, as it claims itself. */
  readonly custody: Custody;
  /** SHA-256 of the certificate (base64url) where TLS ends here, else null. */
  readonly tls: string | null;
  /** Resolves after so many milliseconds; the runtime's timer where it is left out. */
  readonly wait?: (ms: number) => Promise<void>;
  /** Told when events do not reach the log, and of errors without a code. */
  readonly onFailure?: (error: unknown) => void;
}

export interface Gate {
  readonly app: Hono;
  /** Resolves when the log has every event so far. */
  drained(): Promise<void>;
  /** Ends publication and closes the store it was given. */
  close(): Promise<void>;
}

/** The gate: permits from policy, budgets and approvals. The wire is `permit-wire` in the protocol module. */
export function createGate(options: GateOptions): Gate {
  const { store, clock, random, signer, views, sink, custody, tls, wait, onFailure } = options;
  const { ledger, log } = store;
  const record = new DecisionRecord({
    ledger,
    log,
    signer,
    sink,
    clock,
    random,
    ...(wait && { wait }),
    ...(onFailure && { onFailure }),
  });
  const desk = new DecisionDesk(record, clock);
  const policies = new Policies(ledger);
  const permits = new Permits({ desk, policies, signer, views, ledger, clock, random, custody });
  const reports = new Reports({ record, views, desk });
  const challenges = new HelloChallenges({ clock, random, service: signer.did, tls, refusal: 'gate.bad_hello' });

  const app = new Hono();
  app.onError((error, c) => {
    const problem = problemOf(error);
    if (problem.code === 'host.internal') onFailure?.(error);
    return c.body(JSON.stringify(problem), problem.status as 500, { 'content-type': problemContentType });
  });
  app.notFound(() => {
    throw fail('host.not_found');
  });
  app.use(bodyLimit({ maxSize: permitWire.maxPermitRequestBytes, onError: tooLarge }));

  /** Refusals of what does not even have the form are counted with the rest. */
  async function bodyAs<T>(c: Context, form: Form<T>): Promise<T> {
    try {
      return await readBody(c, form);
    } catch (error) {
      record.refuseStranger(entryOf(error).code);
      throw error;
    }
  }

  app.post('/permits', async (c) =>
    c.json({
      permit: await permits.decide(await bodyAs(c, permitWire.PermitRequest)),
    } satisfies permitWire.PermitAnswer),
  );

  app.post('/outcomes', async (c) => {
    const asked = await bodyAs(c, permitWire.OutcomeRequest);
    try {
      return c.json(await reports.take(asked));
    } catch (error) {
      record.refuseStranger(entryOf(error).code);
      throw error;
    }
  });

  app.post('/policies', async (c) => {
    const asked = await bodyAs(c, permitWire.PolicyRequest);
    await views.resolve(asked.owner);
    await policies.keep(views.get(asked.owner).view, asked);
    return c.json({ policy: asked.policy } satisfies permitWire.PolicyAnswer);
  });

  app.post('/removals', async (c) => {
    const { statement, cosigns } = await bodyAs(c, permitWire.RemovalRequest);
    await views.offer(statement, cosigns);
    return c.json({ id: idOf(statement) } satisfies permitWire.RemovalAnswer);
  });

  const ownerOf = (c: Context) =>
    proveDevice(challenges, c.req.header(permitWire.decisionHelloHeader) ?? '', views, clock(), 'gate.bad_hello');

  app.get('/challenge', (c) => c.json(challenges.make() satisfies permitWire.DecisionChallenge));

  app.get('/events/:index{[0-9]{1,15}}', async (c) => {
    const owner = ownerOf(c);
    const event = await record.event(Number(c.req.param('index')), owner);
    if (!event) throw fail('host.not_found');
    return c.json(event);
  });

  app.get('/material', async (c) => {
    const owner = ownerOf(c);
    const id = c.req.query('request') ?? '';
    const known = await ledger.request(id);
    if (known?.owner !== owner) throw fail('host.not_found');
    return c.json(await record.material(id, known));
  });

  return {
    app,
    drained: () => record.drained(),
    async close() {
      await record.close();
      await store.close();
    },
  };
}

/** What the wire's forms have in common. */
interface Form<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false };
}

async function readBody<T>(c: Context, form: Form<T>): Promise<T> {
  let value: unknown;
  try {
    value = await c.req.json();
  } catch (cause) {
    throw fail('host.bad_body', 'not JSON', cause);
  }
  const read = form.safeParse(value);
  if (!read.success) throw fail('host.bad_body');
  return read.data;
}

function tooLarge(): never {
  throw fail('host.body_too_large');
}
