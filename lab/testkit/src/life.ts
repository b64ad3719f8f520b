import { crypto, toBase64url, utf8 } from '@caponier/crypto';
import {
  type Did,
  digestBody,
  type Payload,
  type Signer,
  sign,
  type Verified,
  verifyStatement,
} from '@caponier/protocol';
import type { TestDevice, TestOwner } from './owner.ts';
import { testSigner } from './random.ts';

/** One life of a request, each statement made by whoever would make it. `change` overrides any member before signing. */

const lasting = (owner: TestOwner, seconds: number) => ({
  iat: owner.clock.seconds(),
  exp: owner.clock.seconds() + seconds,
  nonce: toBase64url(owner.random(16)),
});

/** Who asks: an agent with its run key and delegations, or a device for its person. */
export interface TestAsker {
  readonly device: TestDevice;
  readonly agent: string | null;
  readonly signer: Signer;
  readonly delegations: readonly Verified<'delegate'>[];
}

export const asDevice = (device: TestDevice): TestAsker => ({
  device,
  agent: null,
  signer: device.signer,
  delegations: [],
});

export interface AgentOptions {
  readonly device?: TestDevice;
  /** Before the `@`. */
  readonly name?: string;
  /** Delegations from the device down, 1 to 3. */
  readonly depth?: number;
  readonly seconds?: number;
  readonly change?: Partial<Payload<'delegate'>>;
}

export async function makeAgent(owner: TestOwner, options: AgentOptions = {}): Promise<TestAsker> {
  const { device = owner.box, name = 'claude', depth = 1, seconds = 3600, change = {} } = options;
  const agent = `${name}@${device.name}`;
  const delegations: Verified<'delegate'>[] = [];
  let above: Signer = device.signer;
  for (let level = 1; level <= depth; level++) {
    const below = testSigner(`${owner.seed} agent ${agent} ${level}`);
    delegations.push(
      await makeDelegate(
        owner,
        above,
        { device: device.did, key: below.did, agent, parent: delegations.at(-1)?.id ?? null, ...change },
        seconds,
      ),
    );
    above = below;
  }
  return { device, agent, signer: above, delegations };
}

export async function makeDelegate(
  owner: TestOwner,
  signer: Signer,
  members: Pick<Payload<'delegate'>, 'device' | 'key' | 'agent' | 'parent'> & Partial<Payload<'delegate'>>,
  seconds = 3600,
): Promise<Verified<'delegate'>> {
  const { device, key, agent, parent, ...change } = members;
  const payload: Payload<'delegate'> = {
    aud: owner.id,
    device,
    key,
    agent,
    parent,
    classes: ['memory', 'secret', 'classify'],
    ops: ['memory.get', 'memory.put', 'secret.use', 'secret.reveal', 'classify.text'],
    resources: ['*'],
    ...lasting(owner, seconds),
    ...change,
  };
  return verifyStatement(await sign(signer, 'delegate', payload), 'delegate');
}

export interface TestRequest {
  readonly asker: TestAsker;
  readonly statement: Verified<'request'>;
  /** The parameters, which travel beside. */
  readonly body: Uint8Array | null;
}

export interface RequestOptions {
  readonly asker?: TestAsker;
  readonly body?: Uint8Array | null;
  readonly signer?: Signer;
  readonly change?: Partial<Payload<'request'>>;
}

/** By default `claude@box` asks to read `notes` in memory, under the standing grant. */
export async function makeRequest(owner: TestOwner, options: RequestOptions = {}): Promise<TestRequest> {
  const asker = options.asker ?? (await makeAgent(owner));
  const body = options.body === undefined ? utf8('{"key":"today"}') : options.body;
  const of = (options.change?.class ?? 'memory') as keyof TestOwner['workers'];
  const payload: Payload<'request'> = {
    aud: owner.workers[of].did,
    owner: owner.id,
    device: asker.device.did,
    agent: asker.agent,
    delegations: asker.delegations.map((d) => d.id),
    grant: owner.grants.memory,
    class: 'memory',
    op: 'memory.get',
    resource: 'notes',
    purpose: '',
    amount: null,
    uses: 1,
    body: body && digestBody(body, owner.random),
    ...lasting(owner, 300),
    ...options.change,
  };
  const statement = verifyStatement(await sign(options.signer ?? asker.signer, 'request', payload), 'request');
  return { asker, statement, body };
}

export interface PermitOptions {
  readonly approvals?: readonly Verified<'approval'>[];
  readonly signer?: Signer;
  readonly change?: Partial<Payload<'permit'>>;
}

/** By the broker or gate, as the grant of the request says. */
export async function makePermit(
  owner: TestOwner,
  request: TestRequest,
  options: PermitOptions = {},
): Promise<Verified<'permit'>> {
  const { grant, aud, uses } = request.statement.payload;
  const decides = owner.view.grant(grant)?.decides ?? owner.view.formerGrant(grant)?.decides ?? 'broker';
  const payload: Payload<'permit'> = {
    aud,
    owner: owner.id,
    request: request.statement.id,
    approvals: (options.approvals ?? []).map((a) => a.id),
    decision: 'allow',
    uses: decides === 'gate' ? 1 : uses,
    code: 'permit.allowed',
    rule: '',
    grant,
    policy: decides === 'gate' ? (owner.view.policy?.id ?? null) : null,
    budget: null,
    event: 0,
    custody: 'same-user',
    ...lasting(owner, 300),
    ...options.change,
  };
  return verifyStatement(await sign(options.signer ?? owner[decides], 'permit', payload), 'permit');
}

/** What an approver would say to a request, not yet signed: by `signer` or a passkey. */
export function approvalFor(
  owner: TestOwner,
  request: TestRequest,
  change: Partial<Payload<'approval'>> = {},
): Payload<'approval'> {
  const decides = owner.view.grant(request.statement.payload.grant)?.decides ?? 'gate';
  return {
    aud: owner[decides].did,
    owner: owner.id,
    decision: 'allow',
    request: request.statement.id,
    policy: decides === 'gate' ? (owner.view.policy?.id ?? null) : null,
    ...lasting(owner, 300),
    ...change,
  };
}

export async function makeApproval(
  owner: TestOwner,
  request: TestRequest,
  options: { readonly signer?: Signer; readonly change?: Partial<Payload<'approval'>> } = {},
): Promise<Verified<'approval'>> {
  const payload = approvalFor(owner, request, options.change);
  return verifyStatement(await sign(options.signer ?? owner.phone.signer, 'approval', payload), 'approval');
}

export interface UseOptions {
  readonly signer?: Signer;
  /** Another body than that of the request. */
  readonly body?: Uint8Array;
  readonly change?: Partial<Payload<'use'>>;
}

/** The path at which the tests' workers take uses. */
export const testPath = '/use';

export async function makeUse(
  owner: TestOwner,
  request: TestRequest,
  permit: Verified<'permit'>,
  options: UseOptions = {},
): Promise<Verified<'use'>> {
  const payload: Payload<'use'> = {
    aud: request.statement.payload.aud as Did,
    permit: permit.id,
    request: request.statement.id,
    method: 'POST',
    path: testPath,
    body: toBase64url(crypto.sha256(options.body ?? request.body ?? new Uint8Array(0))),
    counter: 0,
    ...lasting(owner, 60),
    ...options.change,
  };
  return verifyStatement(await sign(options.signer ?? request.asker.signer, 'use', payload), 'use');
}

/** Everything of one life, ready to present. */
export interface TestLife {
  readonly request: TestRequest;
  readonly approvals: readonly Verified<'approval'>[];
  readonly permit: Verified<'permit'>;
  readonly use: Verified<'use'>;
}

export async function makeLife(
  owner: TestOwner,
  options: {
    readonly request?: RequestOptions;
    readonly approvals?: (request: TestRequest) => Promise<readonly Verified<'approval'>[]>;
    readonly permit?: PermitOptions;
    readonly use?: UseOptions;
  } = {},
): Promise<TestLife> {
  const request = await makeRequest(owner, options.request);
  const approvals = (await options.approvals?.(request)) ?? [];
  const permit = await makePermit(owner, request, { approvals, ...options.permit });
  const use = await makeUse(owner, request, permit, options.use);
  return { request, approvals, permit, use };
}

/** Compact statements of a life in the order of the wire. */
export function bundleOf(life: TestLife): string[] {
  const { request, approvals, permit, use } = life;
  return [request.statement, ...request.asker.delegations, permit, ...approvals, use].map((s) => s.jws);
}
