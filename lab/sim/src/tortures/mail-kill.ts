import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { fromBase64url } from '@caponier/crypto';
import { keyOf } from '@caponier/protocol';
import { makeOwner, type TestDevice, type TestOwner } from '@caponier/testkit';
import { Dice } from '../dice.ts';
import type { Party } from '../mail-kill/line.ts';
import { Recipient } from '../mail-kill/recipient.ts';
import { Sender } from '../mail-kill/sender.ts';
import { membershipOf } from '../slot/people.ts';
import { Broken, type Torture } from '../types.ts';

/** Relays that are killed one after another over the same folder. */
const killsARound = 2;
/** Milliseconds under load until the kill, at most. */
const maxLife = 400;
/** Milliseconds for a relay to start, and for the last messages to arrive. */
const patience = 60_000;
/** Milliseconds between two looks, and looks before the recipient connects anew. */
const lookMs = 5;
const looksBeforeAgain = 200;

interface Running {
  readonly url: string;
  kill(): Promise<void>;
}

async function start(program: string, folder: string): Promise<Running> {
  const child: ChildProcess = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const [port] = await Promise.race([
    once(child.stdout!, 'data', { signal: AbortSignal.timeout(patience) }),
    ended.then(() => Promise.reject(new Error('the relay ended by itself'))),
  ]);
  return {
    url: `ws://127.0.0.1:${String(port).trim()}`,
    async kill() {
      child.kill('SIGKILL');
      const [, signal] = await ended;
      if (signal !== 'SIGKILL') throw new Error('the relay ended by itself');
    },
  };
}

/** Everything that was accepted is there once, as it was sent, and each sender's in order. */
function inspect(senders: readonly Sender[], keys: readonly Uint8Array[], { got }: Recipient): void {
  senders.forEach(({ said }, i) => {
    const mine = got.filter(({ from }) => Buffer.compare(from, keys[i]!) === 0);
    mine.forEach(({ id, body }, n) => {
      const sent = said[n];
      if (!sent || Buffer.compare(sent.id, id) !== 0) {
        const at = said.findIndex((each) => Buffer.compare(each.id, id) === 0);
        throw new Broken(at < 0 ? 'a message nobody sent' : `message ${at} where ${n} belongs: lost, doubled or moved`);
      }
      if (Buffer.compare(sent.body, body) !== 0) throw new Broken(`message ${n} is torn`);
    });
    if (mine.length < said.length) throw new Broken(`${said.length - mine.length} accepted messages are lost`);
  });
}

const partyOf = (owner: TestOwner, { signer }: TestDevice): Party => ({
  signer,
  owner: owner.id,
  chain: membershipOf(owner),
});

/** `program`: the relay that is tortured. */
export function tortureMail(program: string): Torture {
  return {
    name: 'mail-kill',
    summary: 'SIGKILL of a relay under load loses, doubles, tears and moves no accepted mail',
    rounds: 30,
    async round(dice) {
      const folder = await mkdtemp(join(tmpdir(), 'mail-kill-'));
      const ada = await makeOwner('mail-kill ada');
      const bob = await makeOwner('mail-kill bob');
      const ends = [partyOf(ada, ada.laptop), partyOf(ada, ada.phone), partyOf(bob, bob.laptop), partyOf(bob, bob.box)];
      const to = keyOf(ada.box.did, 'ed25519');
      const own = () => new Dice(dice.below(2 ** 31));
      const senders = ends.map((party) => new Sender(party, to, own()));
      const recipient = new Recipient(partyOf(ada, ada.box), own());
      const keys = ends.map(({ signer }) => keyOf(signer.did, 'ed25519'));
      const trouble = () => {
        for (const { trouble: met } of [...senders, recipient]) if (met) throw met;
      };
      let relay = await start(program, folder);
      try {
        await recipient.connect(relay.url);
        await recipient.allow(fromBase64url(bob.id));
        for (let kill = 0; kill < killsARound; kill++) {
          const before = acceptedBy(senders);
          // Sometimes nobody comes for the mail in this life.
          if (kill > 0 && !dice.once(4)) await recipient.connect(relay.url);
          await Promise.all(senders.map((sender) => sender.connect(relay.url)));
          await until('any mail was accepted', () => acceptedBy(senders) > before, trouble);
          await wait(dice.below(maxLife));
          if (dice.once(3)) dice.pick(senders).cut();
          await relay.kill();
          trouble();
          relay = await start(program, folder);
        }
        await Promise.all(senders.map((sender) => sender.connect(relay.url)));
        await recipient.connect(relay.url);
        for (const sender of senders) sender.stop();
        await until('all mail was accepted', () => senders.every(({ isDone }) => isDone), trouble);
        await arrived(senders, keys, recipient, relay.url, trouble);
        inspect(senders, keys, recipient);
      } finally {
        for (const end of [...senders, recipient]) end.cut();
        await relay.kill().catch(() => {});
        await rm(folder, { recursive: true, force: true });
      }
      return {
        kills: killsARound,
        'accepted mails that arrived once': recipient.got.length,
        'sent again': senders.reduce((sum, { repeats }) => sum + repeats, 0),
        'given out again': recipient.repeats,
        'crashes of the recipient': recipient.crashes,
      };
    },
  };
}

const acceptedBy = (senders: readonly Sender[]) => senders.reduce((sum, { accepted }) => sum + accepted, 0);

/** Looks until it is so. `look`: throws what went wrong meanwhile. */
async function until(what: string, isSo: () => boolean, look: () => void): Promise<void> {
  for (const deadline = Date.now() + patience; !isSo(); await wait(lookMs)) {
    look();
    if (Date.now() > deadline) throw new Broken(`a minute went by before ${what}`);
  }
  look();
}

/** Waits until the last message of every sender is there: with it comes all that was accepted before. */
function arrived(
  senders: readonly Sender[],
  keys: readonly Uint8Array[],
  recipient: Recipient,
  url: string,
  trouble: () => void,
): Promise<void> {
  const has = ({ said }: Sender, n: number) => {
    const last = said.at(-1);
    return !last || recipient.got.some(({ id, from }) => equal(id, last.id) && equal(from, keys[n]!));
  };
  let looks = 0;
  return until(
    'the last mail arrived: it is lost',
    () => senders.every(has),
    () => {
      trouble();
      looks += 1;
      if (looks % looksBeforeAgain === 0) void recipient.connect(url);
    },
  );
}

const equal = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

export default tortureMail(fileURLToPath(new URL('../mail-kill/relay.ts', import.meta.url)));
