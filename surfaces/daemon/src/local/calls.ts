import { toBase64url } from '@caponier/crypto';
import { fail, type permitWire } from '@caponier/protocol';
import type { Letter } from '@caponier/sdk';
import type { LocalArgs, LocalCallName, LocalResults } from '../local-api.ts';
import type { LocalContext } from './context.ts';

type Calls = { readonly [C in LocalCallName]: (context: LocalContext, args: LocalArgs<C>) => Promise<LocalResults[C]> };

/** Letters that `status` counts; above it, it says this many. */
const maxCounted = 1000;

const done = {} as Record<string, never>;

/** What each call does. Everything is the device's own work; here it is only named and bounded. */
export const calls: Calls = {
  async status({ device }) {
    const [status, outbox, letters, cards] = await Promise.all([
      device.status(),
      device.mail.waiting(),
      device.mail.list({ limit: maxCounted }),
      device.asks.list(),
    ]);
    return { ...status, pid: process.pid, outbox, letters: letters.length, asks: cards.length };
  },

  async ready({ device }, { ms }) {
    await device.ready(ms);
    return done;
  },

  async view({ device }) {
    const { view, asOf } = device.views.get();
    return {
      seq: view.seq,
      age: asOf === null ? null : Math.max(0, Math.round(Date.now() / 1000 - asOf)),
      roots: view.roots,
      trust: view.trust,
      grants: view.grants(),
      approvers: view.approvers(),
      policy: view.policy,
      freezes: view.freezes().map(({ id, payload }) => ({ id, what: payload.what, target: payload.target })),
    };
  },

  need: ({ device }, { drafts }) => device.need(drafts),
  publish: ({ device }, { statements }) => device.publish(statements),

  async tellPolicy({ device, transport }, { policy, text }) {
    const gates = device.services().filter((service) => service.role === 'gate');
    const asked: permitWire.PolicyRequest = { owner: device.owner, policy, text };
    for (const gate of gates) {
      const answer = await transport.fetch(
        `${gate.url}/policies`,
        { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(asked) },
        gate.pin ?? undefined,
      );
      if (answer.status !== 200) throw fail('host.unreachable', 'gate did not take the policy');
    }
    return { gates: gates.length };
  },

  freeze: ({ device }, target) => device.freeze(target),

  async learn({ device }, { services }) {
    await device.learn(services);
    return done;
  },

  async send({ device }, { to, text, seconds, waitMs, deliverMs }) {
    const sent = await device.mail.send({ to, text, ...(seconds !== null && { seconds }) });
    const { id, devices } = sent;
    const accepted = await settledWithin(sent.accepted, waitMs);
    const delivered = accepted && (await settledWithin(sent.delivered, deliverMs));
    return { id, devices: devices.length, accepted, delivered };
  },

  block: ({ device }, { who, blocked }) => device.block(who, blocked),

  async take({ device }, { letter }) {
    await device.mail.take(letter satisfies Letter['id']);
    return done;
  },

  asks: async ({ device }) => ({ asks: await device.asks.list() }),
  async answer({ device }, { id, decision }) {
    await device.asks.answer(id, decision);
    return done;
  },

  log: async ({ device }, { limit }) => ({ entries: await device.log({ limit }) }),
  capsule: async ({ device }, { request }) => ({ capsule: toBase64url(await device.capsule(request)) }),
  trustFile: async ({ device }) => ({ trust: toBase64url(await device.trustFile()) }),
};

/** Whether it resolved in time. What was not accepted yet stays in the outbox; what the relay refused is thrown. */
async function settledWithin(work: Promise<void>, ms: number): Promise<boolean> {
  const timeout = Promise.withResolvers<false>();
  const timer = setTimeout(() => timeout.resolve(false), ms);
  try {
    return await Promise.race([work.then(() => true as const), timeout.promise]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}
