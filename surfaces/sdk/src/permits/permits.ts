import { fromBase64url, type KeyPair, toBase64url, utf8 } from '@caponier/crypto';
import { fail, sign, type Verified, verifyStatement, workerWire } from '@caponier/protocol';
import { openSealed } from '@caponier/session';
import type * as z from 'zod/mini';
import { type PerformPorts, perform } from './perform.ts';
import { sealToWorker } from './seal.ts';
import type { AskOptions, Performed, PerformOptions, Permits } from './types.ts';

/** What the vault seals a value for: the same at both ends, with the id of the request. */
const revealContext = (request: string) => utf8(`caponier secret.reveal 1 ${request}`);

export interface PermitPorts extends PerformPorts {
  readonly box: KeyPair;
}

/** What this device may have done in its owner's name. */
export function createPermits(ports: PermitPorts): Permits {
  const run = (options: PerformOptions) => perform(ports, options);

  /** A worker's words have a form, too. */
  async function as<T extends z.ZodMiniType>(form: T, options: PerformOptions): Promise<Performed<z.infer<T>>> {
    const done = await run(options);
    const parsed = form.safeParse(done.result);
    if (!parsed.success) throw fail('outcome.mismatch', 'form of the result');
    return { ...done, result: parsed.data };
  }

  const secret = (op: string, resource: string, body: unknown, purpose = '') =>
    ({ class: 'secret', op: `secret.${op}`, resource, body, purpose }) as const;
  const memory = (op: string, resource: string, body: unknown, options: AskOptions) =>
    ({ class: 'memory', op: `memory.${op}`, resource, body, purpose: '', ...askOf(options) }) as const;

  return {
    perform: run,
    secrets: {
      async put(name, value, hosts, { allowPrivate = false } = {}) {
        const place = { owner: ports.views.get().view.id, name, hosts: [...hosts], allowPrivate };
        const sealed = toBase64url(await sealToWorker(ports, 'secret', value, workerWire.secretPutContext(place)));
        return as(workerWire.SecretFacts, secret('put', name, { sealed, hosts: [...hosts], allowPrivate }));
      },
      use: (name, call, { purpose, ...options }) =>
        as(workerWire.SecretCallAnswer, { ...secret('use', name, call, purpose), ...options }),
      async reveal(name, { purpose, ...options }) {
        const done = await as(workerWire.SecretRevealed, { ...secret('reveal', name, null, purpose), ...options });
        const context = revealContext(done.request);
        return { ...done, result: openSealed(fromBase64url(done.result.sealed), { box: ports.box, context }) };
      },
      list: (beginning = '*') => as(workerWire.SecretList, secret('list', beginning, null)),
      delete: (name) => as(workerWire.SecretDeleted, secret('delete', name, null)),
    },
    memory: {
      put: (place, text, { expected = null, ...options } = {}) =>
        as(workerWire.MemoryVersion, memory('put', place, { text, expected }, options)),
      get: (place, { version = null, ...options } = {}) =>
        as(workerWire.MemoryEntry, memory('get', place, { version }, options)),
      search: (beginning, query, { limit = 20, ...options } = {}) =>
        as(workerWire.MemoryFound, memory('search', beginning, { query, limit }, options)),
    },
    classify: (text, options = {}) =>
      as(workerWire.ClassifyVerdict, {
        class: 'classify',
        op: 'classify.text',
        resource: 'text',
        body: { text },
        purpose: '',
        ...askOf(options),
      }),
    delegate: (options) => delegate(ports, options),
  };
}

function askOf({ asker, onAsk, signal, grant }: AskOptions): AskOptions {
  return {
    ...(asker && { asker }),
    ...(onAsk && { onAsk }),
    ...(signal && { signal }),
    ...(grant !== undefined && { grant }),
  };
}

/** The name ends in this device's: an agent is always somebody's on some machine. */
async function delegate(
  { views, signer, random, clock }: PermitPorts,
  { agent, key, classes, ops, resources, lives }: Parameters<Permits['delegate']>[0],
): Promise<Verified<'delegate'>> {
  const { view } = views.get();
  const self = view.device(signer.did);
  if (!self || !agent.endsWith(`@${self.name}`)) throw fail('request.bad_delegation', 'name of another device');
  const iat = Math.floor(clock() / 1000);
  const jws = await sign(signer, 'delegate', {
    aud: view.id,
    device: signer.did,
    key,
    agent,
    parent: null,
    classes: [...classes],
    ops: [...ops],
    resources: [...resources],
    iat,
    exp: iat + lives,
    nonce: toBase64url(random(16)),
  });
  return verifyStatement(jws, 'delegate');
}
