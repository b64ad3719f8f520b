import { crypto, Secret } from '@caponier/crypto';
import { seedSigner } from '@caponier/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  claimedOrigin,
  cosignCheckpoint,
  emptyRoot,
  formatAddCheckpoint,
  formatProofFile,
  formatVkey,
  leafHash,
  logKey,
  nodeHash,
  openCheckpoint,
  parseAddCheckpoint,
  parseProofFile,
  parseVkey,
  signCheckpoint,
  VerifiedCheckpoint,
  verifyProofFile,
  witnessKey,
} from '../src/index.ts';
import { formatNote, parseNote } from '../src/note.ts';

const signer = (n: number) => seedSigner(Secret.from(new Uint8Array(32).fill(n)));
const [log, w1, w2, other] = [signer(1), signer(2), signer(3), signer(4)] as const;
const origin = 'registry.example/owners';
const root = crypto.sha256(Uint8Array.of(7));
const policy = { log: logKey(origin, log.did), witnesses: [witnessKey('w1', w1.did), witnessKey('w2', w2.did)], k: 1 };
const base = { ...policy, k: 0 };
const plain = await signCheckpoint({ origin, size: 5, root }, log);
const line = async (name: string, by: typeof w1, time: number, note = plain) =>
  cosignCheckpoint(openCheckpoint(note, base), name, by, time);

describe('verifier keys', () => {
  it('reads the key of the specification of the Go checksum database and its note', () => {
    // golang.org/x/mod/sumdb/note, package example.
    const key = parseVkey('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW');
    expect(formatVkey(key)).toBe('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW');
    const note = parseNote(
      'If you think cryptography is the answer to your problem,\n' +
        "then you don't know what your problem is.\n\n" +
        '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
    );
    expect(crypto.ed25519.verify(note.signatures[0]!.signature, new TextEncoder().encode(note.text), key.key)).toBe(
      true,
    );
  });

  it('go to a did and back, and refuse a wrong hash, type, name or key', () => {
    for (const key of [policy.log, policy.witnesses[0]!]) {
      expect(parseVkey(formatVkey(key))).toEqual(key);
      expect(parseVkey(formatVkey(key)).did).toBe(key.did);
    }
    const good = formatVkey(policy.log);
    const [name, id, key] = good.split('+') as [string, string, string];
    for (const bad of [
      '',
      `x+${id}+${key}`,
      `${name}+00000000+${key}`,
      `${name}+${id}+${key.slice(4)}`,
      `${good}=`,
      `+${id}+${key}`,
    ]) {
      expect(() => parseVkey(bad)).toThrow('log.bad_note');
    }
    for (const bad of ['', 'a b', 'a+b', 'a\nb', 'a\u00a0b', 'a\u0000', '\ud800'])
      expect(() => logKey(bad, log.did)).toThrow('log.bad_note');
  });
});

describe('checkpoints', () => {
  it('opens with its witnesses; its time is that of the k-th newest', async () => {
    const note = plain + (await line('w1', w1, 1000)) + (await line('w2', w2, 2000));
    const one = openCheckpoint(note, policy);
    expect(one).toMatchObject({ origin, size: 5, root, time: 2000, note });
    expect(one.cosigned).toEqual([
      { witness: 'w2', time: 2000 },
      { witness: 'w1', time: 1000 },
    ]);
    expect(openCheckpoint(note, { ...policy, k: 2 }).time).toBe(1000);
    expect(openCheckpoint(plain, base).time).toBeNull();
    expect(claimedOrigin(note)).toBe(origin);
  });

  it('counts witnesses, not signatures', async () => {
    const twice = plain + (await line('w1', w1, 1000)) + (await line('w1', w1, 1500));
    expect(openCheckpoint(twice, policy).cosigned).toEqual([{ witness: 'w1', time: 1500 }]);
    expect(() => openCheckpoint(twice, { ...policy, k: 2 })).toThrow('log.not_enough_witnesses');
    // One key under two names is one witness.
    const alias = { ...policy, witnesses: [...policy.witnesses, witnessKey('w3', w1.did)], k: 2 };
    const thrice = twice + (await line('w3', w1, 1700));
    expect(() => openCheckpoint(thrice, alias)).toThrow('log.not_enough_witnesses');
    expect(() => openCheckpoint(plain, policy)).toThrow('log.not_enough_witnesses');
  });

  it('ignores unknown keys and drops their lines', async () => {
    const note =
      plain + (await line('w1', w1, 1000)) + (await line('stranger', other, 9000)) + (await line('w1', other, 9000));
    const opened = openCheckpoint(note, policy);
    expect(opened.time).toBe(1000);
    expect(opened.note).toBe(plain + (await line('w1', w1, 1000)));
  });

  it('refuses a checkpoint of another log, key or signature type', async () => {
    const foreign = await signCheckpoint({ origin, size: 5, root }, other);
    const elsewhere = await signCheckpoint({ origin: 'x/owners', size: 5, root }, log);
    expect(() => openCheckpoint(foreign, base)).toThrow('log.bad_signature');
    expect(() => openCheckpoint(elsewhere, base)).toThrow('log.bad_signature');
    expect(() => openCheckpoint(plain, { ...base, log: witnessKey(origin, log.did) })).toThrow('log.bad_signature');
    // A log's signature is no cosignature, even by the same key under the same name.
    expect(() => openCheckpoint(plain, { ...policy, witnesses: [logKey(origin, log.did)] })).toThrow(
      'log.bad_signature',
    );
    // One false signature in a known name spoils the note.
    const false1 = (await line('w1', w1, 1000)).replace(/.{8}\n$/, 'AAAAAAA=\n');
    const spoilt = plain + (await line('w2', w2, 5)) + false1;
    expect(() => openCheckpoint(spoilt, policy)).toThrow(/log\.bad_(signature|note)/);
  });

  it('no changed byte of head or signatures opens', async () => {
    const note = plain + (await line('w1', w1, 1000));
    const bytes = new TextEncoder().encode(note);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = bytes.slice();
        changed[at]! ^= flip;
        let opened: unknown;
        try {
          opened = openCheckpoint(new TextDecoder().decode(changed), policy);
        } catch (error) {
          expect((error as { code: string }).code).toMatch(/^log\./);
        }
        expect(opened).toBeUndefined();
      }),
      { numRuns: 600 },
    );
  });

  it('is made by opening alone', () => {
    const opened = openCheckpoint(plain, base);
    expect(VerifiedCheckpoint.is(opened)).toBe(true);
    expect(VerifiedCheckpoint.is({ ...opened })).toBe(false);
    const Forger = VerifiedCheckpoint as unknown as new (...args: unknown[]) => unknown;
    expect(() => new Forger(Symbol('opened'), { origin, size: 9, root }, [], 0, plain)).toThrow('host.internal');
  });

  it('an empty tree has the empty root, and sizes are canonical', async () => {
    await expect(signCheckpoint({ origin, size: 0, root }, log)).rejects.toThrow('log.bad_note');
    await expect(signCheckpoint({ origin, size: 1, root: root.slice(1) }, log)).rejects.toThrow('log.bad_note');
    await expect(signCheckpoint({ origin: '', size: 1, root }, log)).rejects.toThrow('log.bad_note');
    await expect(signCheckpoint({ origin, size: 2 ** 53, root }, log)).rejects.toThrow('log.bad_note');
    const empty = await signCheckpoint({ origin, size: 0, root: emptyRoot() }, log);
    expect(openCheckpoint(empty, base).size).toBe(0);
    expect(() => openCheckpoint(plain.replace('\n5\n', '\n05\n'), base)).toThrow('log.bad_note');
  });
});

describe('decoders', () => {
  const hash = leafHash(Uint8Array.of(1));
  const request = { oldSize: 3, proof: [hash, root], checkpoint: plain };
  const file = { index: 1, proof: [hash], checkpoint: plain };

  it('what parses encodes to the same text', () => {
    expect(parseAddCheckpoint(formatAddCheckpoint(request))).toEqual(request);
    expect(parseAddCheckpoint(formatAddCheckpoint({ ...request, oldSize: 0, proof: [] }))).toEqual({
      ...request,
      oldSize: 0,
      proof: [],
    });
    expect(parseProofFile(formatProofFile(file))).toEqual(file);
    const decoders: [string, (text: string) => string][] = [
      [plain, (text) => formatNote(parseNote(text))],
      [formatAddCheckpoint(request), (text) => formatAddCheckpoint(parseAddCheckpoint(text))],
      [formatProofFile(file), (text) => formatProofFile(parseProofFile(text))],
      [formatVkey(policy.log), (text) => formatVkey(parseVkey(text))],
    ];
    for (const [good, again] of decoders) {
      fc.assert(
        fc.property(mutated(good), (text) => {
          try {
            expect(again(text)).toBe(text);
          } catch (error) {
            expect(error).toMatchObject({ code: 'log.bad_note' });
          }
        }),
        { numRuns: 1500 },
      );
    }
  });

  it('refuses what is too long before reading it', () => {
    const long = '\n'.repeat(1_000_000);
    for (const parse of [parseNote, parseAddCheckpoint, parseProofFile, parseVkey])
      expect(() => parse(long)).toThrow('log.bad_note');
    expect(() => parseAddCheckpoint(formatAddCheckpoint({ ...request, proof: Array(64).fill(hash) }))).toThrow(
      'log.bad_note',
    );
  });

  it('a proof file shows one leaf under one witnessed head', async () => {
    const two = await signCheckpoint({ origin, size: 2, root: nodeHash(hash, root) }, log);
    const text = formatProofFile({ index: 1, proof: [hash], checkpoint: two + (await line('w1', w1, 1000, two)) });
    expect(verifyProofFile(text, root, policy)).toMatchObject({ index: 1, checkpoint: { size: 2, time: 1000 } });
    expect(() => verifyProofFile(text, hash, policy)).toThrow('log.bad_proof');
    expect(() => verifyProofFile(text, root, { ...policy, k: 2 })).toThrow('log.not_enough_witnesses');
  });
});

/** A text with a few characters cut, doubled or replaced. */
function mutated(good: string) {
  const edit = fc.record({
    at: fc.nat(good.length),
    cut: fc.nat(3),
    put: fc.oneof(fc.constantFrom('', '\n', '=', ' ', '0', '—', '+'), fc.string({ maxLength: 3 })),
  });
  return fc
    .array(edit, { maxLength: 3 })
    .map((edits) => edits.reduce((text, e) => text.slice(0, e.at) + e.put + text.slice(e.at + e.cut), good));
}
