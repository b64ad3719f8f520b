import { fromUtf8, utf8 } from '@caponier/crypto';
import { errorOfProblem, type Payload } from '@caponier/protocol';
import { encodeUse, openOutcome, usePath } from '@caponier/verify';
import { asDevice, makeAgent, makePermit, makeRequest, makeUse, type TestAsker } from './life.ts';
import { makeOwner, type TestClass, type TestOwner, testGrant } from './owner.ts';

/** An owner whose own devices and agents may do everything with one class of data, as far as a grant can say. */
export interface TestUser {
  readonly owner: TestOwner;
  readonly class: TestClass;
  /** The standing grant. */
  readonly grant: string;
  /** The laptop, a controller, for its person. */
  readonly person: TestAsker;
  /** `claude@box`. */
  readonly agent: TestAsker;
}

/** `beside`: another owner of the same deployment. */
export async function makeUser(
  seed: string,
  of: TestClass,
  ops: readonly string[],
  beside?: TestOwner,
): Promise<TestUser> {
  const owner = await makeOwner(seed, beside ? { services: servicesOf(beside), clock: beside.clock } : {});
  const members = testGrant({
    label: 'all',
    decides: 'broker',
    class: of,
    ops: [...ops],
    to: { owner: null, agents: ['*@*'], devices: ['*'] },
  });
  const grant = (await owner.chain.add('grant', members)).statement.id;
  const agent = await makeAgent(owner, { change: { classes: [of], ops: [...ops], resources: ['*'] } });
  return { owner, class: of, grant, person: asDevice(owner.laptop), agent };
}

function servicesOf({ broker, gate, workers, relay, registry, logOrigin, witness, witnessName }: TestOwner) {
  return { broker, gate, workers, relay, registry, logOrigin, witness, witnessName };
}

/** A worker as its callers see it; a hono app is one. */
export interface TestWorker {
  request(path: string, init: RequestInit): Response | Promise<Response>;
}

export interface TestCall {
  readonly asker: TestAsker;
  readonly grant: string;
  readonly class: Payload<'request'>['class'];
  readonly op: string;
  readonly resource: string;
  /** Parameters, as JSON; undefined for none. */
  readonly body?: unknown;
  /** The body's bytes as they are, instead. */
  readonly bytes?: Uint8Array;
}

export interface TestAnswer {
  readonly result: Payload<'outcome'>['result'];
  readonly code: string;
  /** The answer's JSON, or null. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it as they expect it to be
  readonly body: any;
  /** Everything that came back over HTTP. */
  readonly text: string;
  /** Id of the request. */
  readonly request: string;
}

/** The bytes of one use, from request to proof, by an asker who does everything right. */
export async function presentUse(owner: TestOwner, call: TestCall) {
  const bytes = call.bytes ?? (call.body === undefined ? null : utf8(JSON.stringify(call.body)));
  const { grant, class: of, op, resource } = call;
  const request = await makeRequest(owner, {
    asker: call.asker,
    body: bytes,
    change: { grant, class: of, op, resource },
  });
  const permit = await makePermit(owner, request);
  const use = await makeUse(owner, request, permit, { body: bytes ?? new Uint8Array(0) });
  const bundle = [request.statement, ...call.asker.delegations, permit, use].map(({ jws }) => jws);
  const ids = { worker: request.statement.payload.aud, owner: owner.id, request: request.statement.id };
  return { bytes: encodeUse(bundle, bytes), ids: { ...ids, permit: permit.id, use: use.id } };
}

/** Makes one use of a worker and opens its answer. Throws the code of a problem. */
export async function useWorker(worker: TestWorker, owner: TestOwner, call: TestCall): Promise<TestAnswer> {
  const { bytes, ids } = await presentUse(owner, call);
  const response = await worker.request(usePath, { method: 'POST', body: new Uint8Array(bytes) });
  const text = await response.text();
  if (response.status !== 200) throw errorOfProblem(JSON.parse(text));
  const { outcome, body } = openOutcome(utf8(text), ids);
  const { result, code } = outcome.payload;
  return { result, code, body: body && JSON.parse(fromUtf8(body)), text, request: ids.request };
}
