import { join } from 'node:path';
import { toBase64url } from '@caponier/crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openRelayStore, relayLimitsWith } from '../../src/index.ts';
import type { Letter, MailLimits, Taken } from '../../src/store/mail.ts';
import { mailLimitNames } from '../../src/store/mail.ts';
import type { RelayStore } from '../../src/store/open.ts';
import { temporaryFolder } from '../support.ts';
import { wrongCounters } from './counting.ts';

/**
 * The mailbox against a model of it: lists, sums over them, and nothing else. Whatever happens in whatever order, also the
 * loss of acknowledgements and of the process between them, the application gets each message once, in order, unless it
 * expired or was blocked; and the counters kept are the rows.
 */

const bytesOf = (n: number) => new Uint8Array(32).fill(n);
const names = [1, 2];
const owners = [toBase64url(bytesOf(101)), toBase64url(bytesOf(102))];
/** Two recipients of one owner; a sibling, two devices of another owner, and a service. */
const recipients = names.map((n) => bytesOf(n));
const senders = [
  { key: bytesOf(11), owner: bytesOf(101), family: owners[0]! },
  { key: bytesOf(12), owner: bytesOf(102), family: null },
  { key: bytesOf(13), owner: bytesOf(102), family: null },
  { key: bytesOf(14), owner: null, family: null },
] as const;

const all = relayLimitsWith({
  pendingMail: 6,
  pendingMailBytes: 600,
  ownerMailBytes: 900,
  mailOfContacts: 5,
  mailBytesOfContacts: 500,
  senderMail: 3,
  senderMailBytes: 300,
  contactMail: 4,
  contactMailBytes: 400,
  senderMailTogether: 4,
  senderMailBytesTogether: 450,
  contactMailTogether: 6,
  contactMailBytesTogether: 700,
});
const limits = Object.fromEntries(mailLimitNames.map((name) => [name, all[name]])) as MailLimits;

interface Row {
  readonly seq: number;
  readonly sender: number;
  readonly id: number;
  readonly size: number;
  readonly expires: number;
}

interface Box {
  rows: Row[];
  next: number;
  acked: number;
  blockedOwner: boolean;
  readonly blocked: Set<number>;
  /** What the application has, by number; and what it was given since the connection began. */
  readonly application: number[];
  given: number;
}

class Model {
  readonly boxes: Box[] = names.map(() => ({
    rows: [],
    next: 1,
    acked: 0,
    blockedOwner: false,
    blocked: new Set(),
    application: [],
    given: 0,
  }));
  readonly taken = new Map<string, string>();
  now = 1_000;

  isContact = (sender: number) => sender > 0 && sender < 3;
  allows(sender: number, box: Box): boolean {
    if (sender === 0 || sender === 3) return true;
    return !box.blockedOwner && !box.blocked.has(sender);
  }

  /** What the store has to say, and whether it keeps the message. */
  take(sender: number, to: number, id: number, size: number, expires: number): (outcome: Taken) => void {
    const box = this.boxes[to]!;
    if (!this.allows(sender, box)) return (outcome) => expect(outcome).toBe('not_allowed');
    const name = `${sender} ${id}`;
    const before = this.taken.get(name);
    if (before) return (outcome) => expect(outcome).toBe(before === `${to} ${size}` ? null : 'id_reused');
    const over = this.#over(sender, box, size);
    if (over.size > 0) return (outcome) => expect(over.has(outcome as string)).toBe(true);
    this.taken.set(name, `${to} ${size}`);
    const seq = box.next++;
    box.rows.push({ seq, sender, id, size, expires });
    return (outcome) => expect(outcome).toBe(seq);
  }

  /** Every limit that the message would be above. */
  #over(sender: number, box: Box, size: number): Set<string> {
    const over = new Set<string>();
    const check = (limit: keyof MailLimits, bytes: keyof MailLimits, rows: readonly Row[]) => {
      if (rows.length + 1 > limits[limit]) over.add(limit);
      if (rows.reduce((sum, row) => sum + row.size, size) > limits[bytes]) over.add(bytes);
    };
    const everywhere = this.boxes.flatMap(({ rows }) => rows);
    check('pendingMail', 'pendingMailBytes', box.rows);
    if (everywhere.reduce((sum, row) => sum + row.size, size) > limits.ownerMailBytes) over.add('ownerMailBytes');
    if (!this.isContact(sender)) return over;
    const contact = (row: Row) => this.isContact(row.sender);
    const mine = (row: Row) => row.sender === sender;
    check('mailOfContacts', 'mailBytesOfContacts', box.rows.filter(contact));
    check('senderMail', 'senderMailBytes', box.rows.filter(mine));
    check('contactMail', 'contactMailBytes', box.rows.filter(contact));
    check('senderMailTogether', 'senderMailBytesTogether', everywhere.filter(mine));
    check('contactMailTogether', 'contactMailBytesTogether', everywhere.filter(contact));
    return over;
  }
}

interface Real {
  store: RelayStore;
  readonly folder: string;
}

type Step = fc.AsyncCommand<Model, Real>;

class Send implements Step {
  readonly letters: readonly (readonly [sender: number, to: number, id: number, size: number, life: number])[];
  constructor(letters: Send['letters']) {
    this.letters = letters;
  }
  check = () => true;
  async run(model: Model, { store }: Real): Promise<void> {
    const expected = this.letters.map(([sender, to, id, size, life]) =>
      model.take(sender, to, id, size, model.now + life),
    );
    const letters = this.letters.map(([sender, to, id, size, life]): Letter => {
      const { key, owner, family } = senders[sender]!;
      return {
        sender: key,
        senderOwner: owner,
        recipient: recipients[to]!,
        family,
        serves: sender === 3,
        id: new Uint8Array(16).fill(id),
        body: new Uint8Array(size).fill(to),
        expires: model.now + life,
      };
    });
    const outcomes = await store.run('takeMail', { letters, limits, now: model.now });
    for (const [i, expecting] of expected.entries()) expecting(outcomes[i]!);
  }
  toString = () => `send ${JSON.stringify(this.letters)}`;
}

class Fetch implements Step {
  readonly to: number;
  readonly most: number;
  readonly acked: boolean;
  constructor(to: number, most: number, acked: boolean) {
    this.to = to;
    this.most = most;
    this.acked = acked;
  }
  check = () => true;
  async run(model: Model, { store }: Real): Promise<void> {
    const box = model.boxes[this.to]!;
    const device = recipients[this.to]!;
    const { mail } = await store.read('mailAfter', {
      device,
      after: box.given,
      most: this.most,
      bytes: 1e9,
      now: model.now,
    });
    const waiting = box.rows.filter(({ seq, expires }) => seq > box.given && expires > model.now);
    expect(mail.map(({ seq, body }) => [seq, body.length])).toEqual(
      waiting.slice(0, this.most).map(({ seq, size }) => [seq, size]),
    );
    for (const { seq } of mail) {
      box.given = seq;
      // As the application does it: what it has, it does not take again.
      if (!box.application.includes(seq)) box.application.push(seq);
    }
    if (!this.acked || box.given === 0) return;
    const gone = box.rows.filter(({ seq }) => seq <= box.given).length;
    expect(await store.run('ackMail', { device, seq: box.given })).toBe(gone);
    box.rows = box.rows.filter(({ seq }) => seq > box.given);
    box.acked = Math.max(box.acked, box.given);
  }
  toString = () => `fetch ${this.to} ${this.most} ${this.acked}`;
}

class Pass implements Step {
  readonly time: number;
  constructor(time: number) {
    this.time = time;
  }
  check = () => true;
  async run(model: Model, { store }: Real): Promise<void> {
    model.now += this.time;
    const old = model.boxes.flatMap(({ rows }) => rows.filter(({ expires }) => expires <= model.now)).length;
    expect((await store.run('tidyMail', { now: model.now, most: 1_000 })).expired).toBe(old);
    for (const box of model.boxes) box.rows = box.rows.filter(({ expires }) => expires > model.now);
  }
  toString = () => `pass ${this.time}`;
}

class Judge implements Step {
  readonly to: number;
  readonly who: number;
  readonly block: boolean;
  constructor(to: number, who: number, block: boolean) {
    this.to = to;
    this.who = who;
    this.block = block;
  }
  check = () => true;
  async run(model: Model, { store }: Real): Promise<void> {
    const box = model.boxes[this.to]!;
    const device = this.who > 0;
    const base = { device: recipients[this.to]!, most: 10 };
    const id = device ? senders[this.who]!.key : bytesOf(102);
    const verdict = this.block ? 'block' : device ? 'forget' : 'allow';
    await store.run('judgeContact', { ...base, kind: device ? 1 : 0, id, verdict });
    if (!device) box.blockedOwner = this.block;
    else if (this.block) box.blocked.add(this.who);
    else box.blocked.delete(this.who);
    if (!this.block) return;
    box.rows = box.rows.filter(({ sender }) => !(model.isContact(sender) && (!device || sender === this.who)));
  }
  toString = () => `judge ${this.to} ${this.who} ${this.block}`;
}

/** The process ends and begins anew; what connections knew is gone with it. */
class Reopen implements Step {
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    await real.store.close();
    real.store = await openRelayStore(join(real.folder, 'relay.db'));
    for (const box of model.boxes) box.given = box.acked;
  }
  toString = () => 'reopen';
}

const to = fc.nat(recipients.length - 1);
const letter = fc.tuple(fc.nat(3), to, fc.nat(30), fc.constantFrom(0, 10, 90, 200), fc.integer({ min: 1, max: 100 }));
const steps = [
  fc.array(letter, { minLength: 1, maxLength: 4 }).map((letters) => new Send(letters)),
  fc.array(letter, { minLength: 1, maxLength: 4 }).map((letters) => new Send(letters)),
  fc.tuple(to, fc.integer({ min: 1, max: 4 }), fc.boolean()).map((args) => new Fetch(...args)),
  fc.integer({ min: 1, max: 60 }).map((time) => new Pass(time)),
  fc.tuple(to, fc.nat(2), fc.boolean()).map((args) => new Judge(...args)),
  fc.constant(new Reopen()),
];

it('is its model: once, in order, and counted right, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands(steps, { maxCommands: 40 }), async (commands) => {
      const folder = await temporaryFolder();
      const real: Real = { folder, store: await openRelayStore(join(folder, 'relay.db')) };
      try {
        for (const device of recipients) {
          await real.store.run('makeSlot', { device, owner: owners[0]!, most: 10 });
          await real.store.run('judgeContact', { device, kind: 0, id: bytesOf(102), verdict: 'allow', most: 10 });
        }
        const model = new Model();
        await fc.asyncModelRun(() => ({ model, real }), commands);
        for (const { application } of model.boxes) {
          expect(application).toEqual([...new Set(application)].sort((a, b) => a - b));
        }
        expect(wrongCounters(folder)).toEqual([]);
      } finally {
        await real.store.close();
      }
    }),
    { numRuns: 40 },
  );
}, 60_000);
