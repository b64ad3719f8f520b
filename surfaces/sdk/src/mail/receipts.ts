import { crypto, type Random, toBase64url } from '@caponier/crypto';
import { type Did, type ErrorCode, entryOf, fail, type Signer, sign, verifyStatement } from '@caponier/protocol';
import type { Wait } from '@caponier/verify';
import * as z from 'zod/mini';
import { jsonBytes, openJson } from '../store/json.ts';
import type { KeyValue, KeyValueChange } from '../store/key-value.ts';
import type { Sender } from './address.ts';
import { maxReceipts } from './form.ts';
import { receiptPrefix, sentPrefix } from './keys.ts';
import type { MailContent, Queued } from './types.ts';

/** Milliseconds in which receipts for one device are gathered into one mail. */
const gatherMs = 250;
/** Receipts owed to one device; above it none is, until some could be sent: who does not let us answer gets none. */
const maxOwed = 512;
/** Messages whose receipt is waited for; above it those sent first are forgotten. */
const maxSent = 5_000;
/** Milliseconds after which no receipt is waited for: no relay keeps mail longer. */
const sentMs = 31 * 86_400_000;

const owedForm = z.strictObject({ owner: z.string(), digest: z.string() });
const sentForm = z.strictObject({ digest: z.string(), at: z.number(), delivered: z.boolean() });

export interface ReceiptPorts {
  readonly store: KeyValue;
  readonly signer: Signer;
  readonly random: Random;
  readonly clock: () => number;
  readonly wait: Wait;
  readonly trouble: (where: string, code: ErrorCode) => void;
  /** Puts a mail into the outbox, together with these changes. */
  readonly send: (
    owner: string,
    device: Did,
    content: MailContent,
    changes: readonly KeyValueChange[],
  ) => Promise<Queued>;
}

/**
 * Receipts: what a device of ours has durably, its sender is told by a statement that the device signs.
 *
 * Threat: a relay says that a message was delivered which it dropped, or passes one message's receipt off as another's.
 * Measure: a receipt names sender, message and the digest of the sealed mail, is signed by the device it was sent to, and
 * travels sealed; one that does not fit is no receipt. What remains: a relay that drops receipts makes us not know.
 */
export class Receipts {
  readonly #ports: ReceiptPorts;
  readonly #stop = new AbortController();
  readonly #stopped = new Promise<void>((resolve) => {
    this.#stop.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  readonly #gathering = new Map<Did, Promise<void>>();
  readonly #owed = new Map<Did, number>();

  constructor(ports: ReceiptPorts) {
    this.#ports = ports;
  }

  /** Takes up what an earlier run owed, and forgets what nobody waits for. */
  async start(): Promise<void> {
    const { store, clock } = this.#ports;
    for (const [key] of await store.list(receiptPrefix)) {
      const device = key.slice(receiptPrefix.length).split('/')[0] as Did;
      this.#count(device, 1);
      this.owe(device);
    }
    const sent = (await store.list(sentPrefix)).map(
      ([key, bytes]) => [key, openJson(bytes, sentForm, 'store.damaged').at] as const,
    );
    sent.sort(([, a], [, b]) => b - a);
    const old = sent.filter(([, at], place) => place >= maxSent || clock() - at > sentMs);
    if (old.length > 0) await store.delete(...old.map(([key]) => key));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#gathering.values());
  }

  // ---- ours, for others ----

  /** To be stored with the message itself; then `owe`. */
  changes({ owner, device }: Sender, message: string, sealed: Uint8Array): readonly KeyValueChange[] {
    if ((this.#owed.get(device.did) ?? 0) >= maxOwed) return [];
    this.#count(device.did, 1);
    return [[`${receiptPrefix}${device.did}/${message}`, jsonBytes({ owner, digest: digestOf(sealed) })]];
  }

  #count(device: Did, by: number): void {
    const owed = (this.#owed.get(device) ?? 0) + by;
    if (owed > 0) this.#owed.set(device, owed);
    else this.#owed.delete(device);
  }

  owe(device: Did): void {
    if (this.#gathering.has(device) || this.#stop.signal.aborted) return;
    const done = this.#send(device)
      .catch((error: unknown) => this.#ports.trouble('mail.receipt', entryOf(error).code))
      .finally(() => this.#gathering.delete(device));
    this.#gathering.set(device, done);
  }

  async #send(device: Did): Promise<void> {
    const { store, wait, send } = this.#ports;
    for (;;) {
      await wait(gatherMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      const owed = await store.list(`${receiptPrefix}${device}/`, { limit: maxReceipts });
      if (owed.length === 0) return;
      const { owner } = openJson(owed[0]![1], owedForm, 'store.damaged');
      const receipts = await Promise.all(owed.map(([key, bytes]) => this.#receipt(device, key, bytes)));
      const { accepted } = await send(
        owner,
        device,
        { type: 'delivered', receipts },
        owed.map(([key]): KeyValueChange => [key, null]),
      );
      this.#count(device, -owed.length);
      // One at a time: what cannot be sent must not fill the outbox.
      await Promise.race([accepted.catch(() => {}), this.#stopped]);
    }
  }

  #receipt(device: Did, key: string, bytes: Uint8Array): Promise<string> {
    const { signer, clock, random } = this.#ports;
    return sign(signer, 'delivered', {
      aud: device,
      message: key.slice(key.lastIndexOf('/') + 1),
      digest: openJson(bytes, owedForm, 'store.damaged').digest,
      iat: Math.floor(clock() / 1_000),
      nonce: toBase64url(random(16)),
    });
  }

  // ---- others', for us ----

  /** To be stored when a message is sealed: what its receipt will have to say. */
  expect(message: string, device: string, sealed: Uint8Array): KeyValueChange {
    return [
      sentKey(message, device),
      jsonBytes({ digest: digestOf(sealed), at: this.#ports.clock(), delivered: false }),
    ];
  }

  /**
   * A receipt that came in a mail of this device. Yields the message it is of and what to store. Throws
   * `mail.bad_receipt` for one of another device, for another device, of a message that was not sent to it, or that came
   * to it as something else; `statement.*`.
   */
  async take(jws: string, from: Did): Promise<{ readonly message: string; readonly change: KeyValueChange }> {
    const { store, signer } = this.#ports;
    const { kid, payload } = verifyStatement(jws, 'delivered');
    if (kid !== from) throw fail('mail.bad_receipt', 'of another device');
    if (payload.aud !== signer.did) throw fail('mail.bad_receipt', 'for another device');
    const key = sentKey(payload.message, from);
    const bytes = await store.get(key);
    if (!bytes) throw fail('mail.bad_receipt', 'of a message that was not sent there');
    const sent = openJson(bytes, sentForm, 'store.damaged');
    if (sent.digest !== payload.digest) throw fail('mail.bad_receipt', 'of another mail');
    return { message: payload.message, change: [key, jsonBytes({ ...sent, delivered: true })] };
  }
}

const digestOf = (sealed: Uint8Array): string => toBase64url(crypto.sha256(sealed));
const sentKey = (message: string, device: string) => `${sentPrefix}${message}/${device}`;
