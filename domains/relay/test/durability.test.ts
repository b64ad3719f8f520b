import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { fromUtf8, utf8 } from '@caponier/crypto';
import { straceAcks, straceWorks, type TestOwner, whereEngine } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { helloOf, membershipOf } from './hello.ts';
import { keyBytes, later, messageId, ownerNamed, Peer, temporaryFolder } from './support.ts';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

describe('accepted mail is durable', () => {
  whereEngine(it, 'strace', straceWorks())(
    'a sync lies between the write of each mail and its `accepted`',
    async () => {
      const proof = await straceAcks({
        command: [process.execPath, path('./durability-child.ts'), await temporaryFolder(), '30'],
        files: /-wal$/,
        marker: (n) => `<mail-${String(n).padStart(4, '0')}>`,
      });
      expect(proof.unproven).toEqual([]);
      expect([...proof.acks].sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
    },
    60_000,
  );
});

describe('a relay that is killed', () => {
  const start = async (folder: string): Promise<{ child: ChildProcess; url: string }> => {
    const child = spawn(process.execPath, [path('./kill-child.ts'), folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    later(() => child.kill('SIGKILL'));
    const [port] = await once(child.stdout!, 'data');
    return { child, url: `ws://127.0.0.1:${String(port).trim()}` };
  };
  const enter = async (url: string, owner: TestOwner, signer: TestOwner['root']): Promise<Peer> => {
    const peer = new Peer(url);
    const { challenge } = await peer.next('challenge');
    const seconds = Math.floor(Date.now() / 1000);
    const hello = await helloOf(signer, challenge, seconds, { owner: owner.id });
    peer.send('hello', { hello, ticket: '', resume: new Uint8Array(0), chain: membershipOf(owner) });
    await peer.next('welcome');
    return peer;
  };

  it('between acceptance and delivery has lost nothing, doubled nothing and changed no order', async () => {
    const ada = await ownerNamed('ada');
    const folder = await temporaryFolder();
    const to = keyBytes(ada.box.signer);
    const accepted: number[] = [];
    const got: string[] = [];
    let last = 0;
    for (let round = 0; round < 3; round++) {
      const { child, url } = await start(folder);
      const sender = await enter(url, ada, ada.laptop.signer);
      // What was not answered before the kill is sent again under its id.
      const ids = Array.from({ length: 40 }, (_, n) => round * 30 + n);
      for (const n of ids) sender.send('mail', { to, id: messageId(n), seconds: 0, body: utf8(`mail ${n}`) });
      const enough = ids.length - 10;
      for (let n = 0; n < enough; n++) {
        const { id } = await sender.next('accepted');
        const number = new DataView(id.buffer, id.byteOffset).getUint32(0);
        if (!accepted.includes(number)) accepted.push(number);
      }
      // Half the rounds a listener takes some of it before the kill, and acknowledges part.
      if (round % 2 === 1) {
        const box = await enter(url, ada, ada.box.signer);
        box.send('listen', { mail: true, streams: false });
        for (let n = 0; n < 10; n++) {
          const mail = await box.next('deliver');
          expect(mail.seq).toBe(last + 1);
          last = mail.seq;
          got.push(fromUtf8(mail.body));
        }
        box.send('ack', { seq: last });
        await box.settle();
      }
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    const { url } = await start(folder);
    const box = await enter(url, ada, ada.box.signer);
    box.send('listen', { mail: true, streams: false });
    await box.settle();
    // The last acknowledgement may have died with the relay: what comes again is known by its number.
    for (let missing = accepted.length - got.length; missing > 0; ) {
      const mail = await box.next('deliver');
      box.send('ack', { seq: mail.seq });
      if (mail.seq <= last) continue;
      expect(mail.seq).toBe(last + 1);
      last = mail.seq;
      got.push(fromUtf8(mail.body));
      missing = accepted.filter((n) => !got.includes(`mail ${n}`)).length;
    }
    expect(new Set(got).size).toBe(got.length);
    expect(got).toEqual(got.toSorted((a, b) => Number(a.slice(5)) - Number(b.slice(5))));
    for (const n of accepted) expect(got).toContain(`mail ${n}`);
  });
});
