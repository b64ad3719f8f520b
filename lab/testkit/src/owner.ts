import { crypto, type Random, Secret, utf8 } from '@caponier/crypto';
import { type BoxDid, type Did, digestBody, encodeDid, type Signer, type Verified } from '@caponier/protocol';
import { type Members, OwnerChain, type OwnerView, type Pen } from '@caponier/verify';
import { type ManualClock, manualClock } from './clock.ts';
import { type TestPasskey, testPasskey } from './passkey.ts';
import { seededRandom, testSigner } from './random.ts';

export interface TestDevice {
  readonly did: Did;
  readonly name: string;
  readonly role: 'controller' | 'member';
  readonly signer: Signer;
  readonly box: BoxDid;
  /** X25519 secret of `box`. */
  readonly boxSecret: Secret;
}

/** Data classes that a test owner has a worker for. */
export const testClasses = ['secret', 'memory', 'config', 'classify'] as const;
export type TestClass = (typeof testClasses)[number];

/** An owner with everything that hangs on it, all keys in hand. Names of keys and ids depend on the seed alone. */
export interface TestOwner {
  readonly seed: string;
  readonly clock: ManualClock;
  readonly random: Random;
  /** The owner's id. */
  readonly id: string;
  readonly root: Signer;
  readonly recovery: Signer;
  readonly operator: Signer;
  /** A controller; the agents of the tests run on `box`, a member; `phone` is a controller and an approver. */
  readonly laptop: TestDevice;
  readonly box: TestDevice;
  readonly phone: TestDevice;
  /** A second approver, by passkey. */
  readonly passkey: TestPasskey;
  readonly broker: Signer;
  readonly gate: Signer;
  readonly workers: Readonly<Record<TestClass, Signer>>;
  readonly relay: Signer;
  /** Signs the log's heads; the origin is `logOrigin`. */
  readonly registry: Signer;
  readonly logOrigin: string;
  readonly witness: Signer;
  readonly witnessName: string;
  readonly policyText: string;
  readonly chain: OwnerChain;
  /** What the owner's chain says now: grows with `chain.add`. */
  readonly view: OwnerView;
  /**
   * `memory`: broker decides, for any agent, up to 100 uses an hour. `secret`: gate decides. `guarded`: gate decides and
   * one approval is needed. `device`: memory for devices that ask for their person.
   */
  readonly grants: Readonly<Record<'memory' | 'secret' | 'guarded' | 'device', string>>;
  /** Signs with the root at the clock's time. */
  readonly pen: Pen;
}

const allowAll = '@id("all")\npermit (principal, action, resource);\n';

export interface TestOwnerOptions {
  readonly clock?: ManualClock;
  readonly policyText?: string;
  /** Services shared with another test owner: one deployment, two owners. */
  readonly services?: Pick<
    TestOwner,
    'broker' | 'gate' | 'workers' | 'relay' | 'registry' | 'logOrigin' | 'witness' | 'witnessName'
  >;
}

export async function makeOwner(seed = 'ada', options: TestOwnerOptions = {}): Promise<TestOwner> {
  const clock = options.clock ?? manualClock();
  const random = seededRandom(`owner ${seed}`);
  const signer = (name: string) => testSigner(`${seed} ${name}`);
  const services = options.services ?? {
    broker: signer('broker'),
    gate: signer('gate'),
    workers: Object.fromEntries(testClasses.map((name) => [name, signer(`worker ${name}`)])) as TestOwner['workers'],
    relay: signer('relay'),
    registry: signer('registry'),
    logOrigin: 'log.example',
    witness: signer('witness'),
    witnessName: 'witness.example',
  };
  const root = signer('root');
  const recovery = signer('recovery');
  const operator = signer('operator');
  const pen: Pen = { signer: root, random, clock };
  const [laptop, box, phone] = [
    makeDevice(seed, 'laptop', 'controller'),
    makeDevice(seed, 'box', 'member'),
    makeDevice(seed, 'phone', 'controller'),
  ] as const;
  const passkey = testPasskey(seed);
  const policyText = options.policyText ?? allowAll;

  const chain = await OwnerChain.begin(pen, { recovery: recovery.did });
  await chain.add('trust', {
    operators: [operator.did],
    log: { origin: services.logOrigin, key: services.registry.did },
    broker: [services.broker.did],
    gate: [services.gate.did],
    workers: testClasses.map((name) => ({ class: name, keys: [services.workers[name].did] })),
    witnesses: [{ name: services.witnessName, key: services.witness.did }],
    k: 1,
    relays: [services.relay.did],
  });
  for (const device of [laptop, box, phone]) await chain.add('enroll', enrolment(device));
  await chain.add('approver', { key: phone.did, name: 'phone', passkey: null });
  await chain.add('approver', { key: passkey.did, name: 'key', passkey: passkey.terms });
  await chain.add('policy', { name: 'test', body: digestBody(utf8(policyText), random) });
  const give = async (members: Partial<Members<'grant'>>) =>
    (await chain.add('grant', testGrant(members))).statement.id;
  const grants = {
    memory: await give({ label: 'memory', decides: 'broker', ceilings: [{ per: 'hour', uses: 100 }] }),
    secret: await give({ label: 'secret', class: 'secret', ops: ['secret.use'], resources: ['github'] }),
    guarded: await give({
      label: 'guarded',
      class: 'secret',
      ops: ['secret.use', 'secret.reveal'],
      resources: ['bank'],
      approvals: { k: 1, from: [] },
    }),
    device: await give({ label: 'device', decides: 'broker', to: { owner: null, agents: [], devices: ['*'] } }),
  };
  return {
    seed,
    clock,
    random,
    id: chain.view.id,
    root,
    recovery,
    operator,
    laptop,
    box,
    phone,
    passkey,
    ...services,
    policyText,
    chain,
    get view() {
      return chain.view;
    },
    grants,
    pen,
  };
}

export function makeDevice(seed: string, name: string, role: 'controller' | 'member'): TestDevice {
  const signer = testSigner(`${seed} device ${name}`);
  const pair = crypto.x25519.keyPair(Secret.from(seededRandom(`${seed} box ${name}`)(32)));
  return { did: signer.did, name, role, signer, box: encodeDid('x25519', pair.publicKey), boxSecret: pair.secretKey };
}

export function enrolment(device: TestDevice): Members<'enroll'> {
  return { device: device.did, box: device.box, role: device.role, name: device.name };
}

/** A grant of everything in memory to every agent of this owner, with what differs. */
export function testGrant(members: Partial<Members<'grant'>> = {}): Members<'grant'> {
  return {
    label: 'test',
    to: { owner: null, agents: ['*@*'], devices: [] },
    decides: 'gate',
    class: 'memory',
    ops: ['memory.get', 'memory.put'],
    resources: ['*'],
    purpose: '',
    ceilings: [],
    approvals: { k: 0, from: [] },
    exp: null,
    ...members,
  };
}

/** Statements of a chain by kind, for tests that need one in hand. */
export function statementsOf(
  owner: TestOwner,
): readonly Verified<Parameters<OwnerView['apply']>[0]['kind'] | 'owner'>[] {
  return owner.chain.signed.map(({ statement }) => statement);
}
