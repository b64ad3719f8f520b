import { existsSync } from 'node:fs';
import { crypto, Secret } from '@caponier/crypto';
import { boxKeyFile, deviceKeyFile, type Identity, readIdentity, writeIdentity } from '@caponier/daemon/client';
import { homePath, openHome, refuseRoot, systemClock, systemRandom } from '@caponier/host/home';
import { fail, seedSigner } from '@caponier/protocol';
import { createTransport, type Joining, type JoinResult, joinByCode, systemWait } from '@caponier/sdk';
import type { Run } from '../command.ts';
import { hereHome, localDaemon } from '../home/context.ts';
import { defaultDeviceName, nameOf } from '../home/device-name.ts';
import { signWithRoot } from '../home/hand.ts';
import { writeRoot } from '../home/root-key.ts';
import { type Output, shown } from '../terminal/output.ts';
import { startProgress } from '../terminal/progress.ts';
import { startSupervisor, untilReady } from '../up/start.ts';
import { type Code, type CodeFlags, codeOf } from './code.ts';
import { compare } from './compare.ts';

interface Flags extends CodeFlags {
  readonly name?: string;
  readonly device?: string;
  readonly yes?: boolean;
  readonly allowRoot?: boolean;
}

const seedBytes = 32;
/** Milliseconds for the new device to see its view and be taken by the relay. */
const connectMs = 15_000;
/** What a contact is called where nothing was said. */
const unnamedContact = 'contact';

export async function runJoin({ args, options, output }: Run): Promise<void> {
  const flags = options as Flags;
  const code = codeOf(args, flags);
  const name = flags.name === undefined ? null : nameOf(flags.name, '--name');
  const device = flags.device === undefined ? null : nameOf(flags.device, '--device');
  refuseRoot({ allowRoot: flags.allowRoot === true });
  const path = homePath(process.env);
  const known = existsSync(path) ? readIdentity(openHome(path)) : undefined;
  if (!known) return joinHere(code, { name, device, flags, output });
  if (code.kind !== null && code.kind !== 'contact') throw fail('cli.home_taken');
  return joinAsContact(code, name ?? unnamedContact, flags, output);
}

interface Here {
  readonly name: string | null;
  readonly device: string | null;
  readonly flags: Flags;
  readonly output: Output;
}

/** A home without an owner: the meeting runs in this process, with keys that are stored only when both said yes. */
async function joinHere(code: Code, { name, device, flags, output }: Here): Promise<void> {
  const seeds = { root: fresh(), device: fresh(), box: fresh() };
  const contact = code.kind === 'contact';
  const wanted = device ?? (contact ? null : name) ?? defaultDeviceName();
  // Mail goes by name: one name for two would send a letter to the wrong one.
  if (contact && wanted === name) throw fail('cli.usage', `${wanted} is this device: say --device or another --name`);
  const transport = createTransport();
  const joining = joinByCode(
    { transport, random: systemRandom, clock: systemClock, wait: systemWait },
    {
      ...code.options,
      keys: { signer: seedSigner(seeds.device), box: crypto.x25519.keyPair(seeds.box) },
      device: wanted,
      contact: name ?? unnamedContact,
      root: seedSigner(seeds.root),
    },
  );
  try {
    const result = await meet(joining, seeds, flags, output);
    const identity = store(result, seeds);
    await joining.stored();
    await start(identity, result, flags, output);
  } finally {
    joining.cancel();
    transport.close();
    for (const seed of Object.values(seeds)) seed.wipe();
  }
}

const fresh = () => Secret.from(systemRandom(seedBytes));

interface Seeds {
  readonly root: Secret;
  readonly device: Secret;
  readonly box: Secret;
}

async function meet(joining: Joining, { root }: Seeds, flags: Flags, output: Output): Promise<JoinResult> {
  let waiting = startProgress('looking for the other side');
  try {
    for await (const event of joining.events) {
      waiting.stop();
      if (event.type === 'compare') {
        joining.confirm(await compare(event, output, flags.yes === true));
        waiting = startProgress('waiting for their answer');
      } else if (event.type === 'sign') {
        const { signNeed } = await import('@caponier/sdk');
        joining.sign(
          await signNeed(event.need, { signer: seedSigner(root), random: systemRandom, clock: systemClock }),
        );
      } else {
        return event.result;
      }
    }
  } finally {
    waiting.stop();
  }
  throw fail('session.closed', 'the meeting ended');
}

/** Everything at once, the identity last: a home with an identity is whole. */
function store({ start, name, role, kind }: JoinResult, seeds: Seeds): Identity {
  if (!start) throw fail('host.internal', 'nothing to start from');
  const home = hereHome();
  const keys = home.folder('keys');
  keys.write(deviceKeyFile, seeds.device.expose());
  keys.write(boxKeyFile, seeds.box.expose());
  if (kind === 'contact') writeRoot(home, seeds.root);
  const identity: Identity = { owner: start.owner, device: seedSigner(seeds.device).did, name, role, start };
  writeIdentity(home, identity);
  return identity;
}

async function start(identity: Identity, result: JoinResult, flags: Flags, output: Output): Promise<void> {
  const home = hereHome();
  const progress = startProgress('starting the daemon');
  try {
    startSupervisor(home, { allowRoot: flags.allowRoot === true });
    await untilReady(home, ['daemon']);
    progress.say('connecting');
    await localDaemon(home).call('ready', { ms: connectMs });
  } finally {
    progress.stop();
  }
  const { kind, name, contact } = result;
  output.item({ type: 'done', kind, name, owner: identity.owner, contact: contact?.name ?? null });
  const who = contact ? shown(contact.name) : '';
  output.line(
    `${output.style('green', '✓')} ${
      contact
        ? `${who} is a contact now, and this device (${shown(name)}) has an owner of its own: caponier send ${who} "hello"`
        : `This device joined as ${shown(name)} (${identity.role}). It runs in the background: caponier status`
    }`,
  );
}

/** A home with an owner: its daemon joins, and the owner key signs here. */
async function joinAsContact(code: Code, contact: string, flags: Flags, output: Output): Promise<void> {
  const home = hereHome();
  const client = localDaemon(home);
  const { code: link = null, words = null, relay = null, pin = null } = code.options;
  const talk = await client.talk('joinContact', { type: 'start', code: link, words, relay, pin, contact });
  let waiting = startProgress('looking for the other side');
  try {
    for await (const event of talk.heard) {
      if (event instanceof Uint8Array) continue;
      waiting.stop();
      if (event.type === 'compare') {
        talk.say({ type: 'confirm', yes: await compare(event, output, flags.yes === true) });
        waiting = startProgress('waiting for their answer');
      } else if (event.type === 'sign') {
        const { statements, tickets } = await signWithRoot(home, event.need);
        const plain = statements.map(({ statement, cosigns }) => ({ statement, cosigns: [...cosigns] }));
        talk.say({ type: 'signed', signed: { statements: plain, tickets: [...tickets] } });
      } else {
        output.item({ type: 'done', kind: 'contact', contact: event.contact.name });
        const who = shown(event.contact.name);
        output.line(`${output.style('green', '✓')} ${who} is a contact now: caponier send ${who} "hello"`);
      }
    }
  } finally {
    waiting.stop();
    talk.close();
  }
}
