import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret, toBase64url, utf8 } from '@caponier/crypto';
import {
  type Did,
  decodeFrame,
  encodeFrame,
  type Frame,
  fail,
  type Payload,
  type Signer,
  sign,
} from '@caponier/protocol';
import {
  type AdmissionPolicy,
  createRelay,
  type MembershipSource,
  openRelayStore,
  type Proof,
  type Relay,
  type RelayStore,
  resumeSeconds,
} from '@caponier/relay';
import { type ManualClock, manualClock, testSigner } from '@caponier/testkit';
import type { Dice } from '../dice.ts';
import { asRelaySees, gather, membershipOf, type People } from './people.ts';

/** Relays of each kind of admission, with owners that are known to them and owners that are not. */

export interface Door {
  readonly relay: Relay;
  readonly did: Did;
  /** The pin that a `hello` names where it names one. */
  readonly tls: string | null;
  /** A `hello` that answers `challenge`, rightful but for what is changed. */
  hello(signer: Signer, change: Partial<Payload<'hello'>>): Promise<string>;
}

/** Tokens as they were given out, each by what is wrong with it now. */
export interface Tokens {
  /** For ada's first device, good at the open door. */
  readonly good: Uint8Array;
  readonly ofSibling: Uint8Array;
  readonly ofThief: Uint8Array;
  readonly beforeRevocation: Uint8Array;
  readonly expired: Uint8Array;
  readonly ofOtherRelay: Uint8Array;
  readonly ofOldSecret: Uint8Array;
}

export interface Scene {
  readonly people: People;
  readonly clock: ManualClock;
  /** The challenge of every attempt, and the one of another connection. */
  readonly challenge: Uint8Array;
  readonly otherChallenge: Uint8Array;
  /** Anybody; by ticket, and following the registry; by list, with ada and cem on it. */
  readonly open: Door;
  readonly ticket: Door;
  readonly list: Door;
  readonly operator: Signer;
  readonly tokens: Tokens;
  close(): Promise<void>;
}

const secret = (text: string) => Secret.from(utf8(`a resume secret for a torture: ${text}`));
const none = new Uint8Array(0);

interface DoorOptions {
  readonly policy: AdmissionPolicy;
  readonly secret: string;
  readonly tls?: string;
  readonly views?: MembershipSource;
}

export async function setUp(dice: Dice): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'slot-'));
  const clock = manualClock();
  const seed = `slot ${dice.seed}`;
  const challenge = dice.bytes(32);
  const stores = (await Promise.all(
    ['open', 'ticket', 'list'].map((name) => openRelayStore(join(folder, `${name}.db`))),
  )) as [RelayStore, RelayStore, RelayStore];
  const doors: Door[] = [];
  const door = (name: string, store: RelayStore, options: DoorOptions): Door => {
    const made = makeDoor(testSigner(`${seed} ${name}`), store, clock, dice, challenge, options);
    doors.push(made);
    return made;
  };
  const operator = testSigner(`${seed} operator`);
  const admission = { policy: { kind: 'open' }, secret: 'new' } as const;
  const open = door('open', stores[0], { ...admission, tls: toBase64url(dice.bytes(32)) });
  // For tokens only: one of another name, and one with the secret that was before.
  const other = door('other', stores[0], admission);
  const before = door('open', stores[0], { ...admission, secret: 'old' });

  let beforeRevocation: Uint8Array = none;
  const people = await gather(seed, clock, async (ada, old) => {
    beforeRevocation = await enter(open, old.signer, ada.id, membershipOf(ada));
  });
  const { ada, cem, mallory, thief } = people;
  const known = new Map([ada, cem, people.dora, mallory, people.fresh].map((owner) => [owner.id, asRelaySees(owner)]));
  const views: MembershipSource = {
    get(owner) {
      const view = known.get(owner);
      if (!view) throw fail('owner.unknown');
      return { view };
    },
    onChange: () => () => {},
  };
  const policy = { kind: 'ticket', operators: [operator.did] } as const;
  const ticket = door('ticket', stores[1], { policy, secret: 'new', views });
  const named = { kind: 'allowlist', owners: [ada.id, cem.id] } as const;
  const list = door('list', stores[2], { policy: named, secret: 'new' });

  const [laptop, phone] = ada.devices as [(typeof ada.devices)[0], (typeof ada.devices)[0]];
  const chain = membershipOf(ada);
  const expired = await enter(open, laptop.signer, ada.id, chain);
  clock.advance(resumeSeconds + 1);
  for (const place of [open, list]) await enter(place, cem.devices[0]!.signer, cem.id, membershipOf(cem));
  const tokens: Tokens = {
    beforeRevocation,
    expired,
    good: await enter(open, laptop.signer, ada.id, chain),
    ofSibling: await enter(open, phone.signer, ada.id, chain),
    ofThief: await enter(open, thief.signer, mallory.id, membershipOf(mallory)),
    ofOtherRelay: await enter(other, laptop.signer, ada.id, chain),
    ofOldSecret: await enter(before, laptop.signer, ada.id, chain),
  };
  await enter(list, laptop.signer, ada.id, chain);
  return {
    people,
    clock,
    challenge,
    otherChallenge: dice.bytes(32),
    open,
    ticket,
    list,
    operator,
    tokens,
    async close() {
      for (const { relay } of doors) relay.close();
      await Promise.all(stores.map((store) => store.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function makeDoor(
  signer: Signer,
  store: RelayStore,
  clock: ManualClock,
  dice: Dice,
  challenge: Uint8Array,
  options: DoorOptions,
): Door {
  const relay = createRelay({
    store,
    clock,
    random: dice.bytes,
    signer,
    admission: options.policy,
    every: () => () => {},
    resume: { current: secret(options.secret) },
    tls: options.tls ?? null,
    ...(options.views && { views: options.views }),
  });
  return {
    relay,
    did: signer.did,
    tls: options.tls ?? null,
    hello: (device, change) =>
      helloTo(signer.did, device, clock.seconds(), { challenge: toBase64url(challenge), ...change }),
  };
}

function helloTo(relay: Did, device: Signer, seconds: number, change: Partial<Payload<'hello'>>): Promise<string> {
  return sign(device, 'hello', {
    aud: relay,
    owner: null,
    challenge: '',
    mode: 'shared',
    tls: null,
    iat: seconds,
    exp: seconds + 60,
    nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
    ...change,
  });
}

/** Connects as a client would; yields the resume token. Throws where the relay does not welcome it. */
export async function enter(
  door: Door,
  signer: Signer,
  owner: string,
  chain: readonly string[],
  ticket = '',
): Promise<Uint8Array> {
  const frames: Frame[] = [];
  let closed: number | undefined;
  let wake = () => {};
  const link = door.relay.handleSocket(
    {
      bufferedAmount: 0,
      send(sent) {
        frames.push(...sent.map((bytes) => decodeFrame(bytes, 'relay')));
        wake();
      },
      close(code) {
        closed = code;
        wake();
      },
      terminate() {
        closed = 1006;
        wake();
      },
    },
    owner,
  );
  const next = async <N extends Frame['type']>(type: N): Promise<Frame<N>> => {
    for (;;) {
      const frame = frames.find((each) => each.type === type);
      if (frame) return frame as Frame<N>;
      if (closed !== undefined) throw new Error(`a rightful device was closed with ${closed}`);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const { challenge } = await next('challenge');
  const hello = await door.hello(signer, { owner, challenge: toBase64url(challenge) });
  link.receive(encodeFrame('hello', { hello, ticket, resume: none, chain }));
  const { resume } = await next('welcome');
  link.ended();
  return resume;
}

/** What a rightful device shows, with what differs. */
export function proofOf(scene: Scene, hello: string, shown: Partial<Proof> = {}): Proof {
  return { challenge: scene.challenge, hello, ticket: '', resume: none, chain: [], ...shown };
}
