import type { Random } from '@caponier/crypto';
import { type ErrorCode, relayNumberOf } from '@caponier/protocol';
import { expect, it } from 'vitest';
import { Outbox } from '../../src/relay/outbox.ts';
import type { Wire } from '../../src/relay/wire.ts';
import { toldToWait } from '../../src/transport/later.ts';

const id = (n: number) => new Uint8Array(16).fill(n);
const to = new Uint8Array(32);
const noise =
  (value: number): Random =>
  (length) =>
    new Uint8Array(length).fill(value);

/** An outbox with a wire in hand: what it sent, how long it paused, and how to end a pause. */
function outboxWith(random: Random) {
  const sent: { id: number; seconds: number }[] = [];
  const pauses: number[] = [];
  let go = () => {};
  const outbox = new Outbox((milliseconds) => {
    pauses.push(milliseconds);
    return new Promise<void>((resolve) => {
      go = resolve;
    });
  }, random);
  const wire = {
    send: (_: string, mail: { id: Uint8Array; seconds: number }) =>
      sent.push({ id: mail.id[0]!, seconds: mail.seconds }),
    close() {},
  };
  outbox.up(wire as unknown as Wire);
  const refuse = (n: number, code: ErrorCode, retry: number) =>
    outbox.refused({ type: 'refused', channel: 0, id: id(n), code: relayNumberOf(code), retry });
  return { outbox, sent, pauses, refuse, go: () => go() };
}

it('waits as long as the relay says, a little longer by chance, and sends nothing meanwhile', async () => {
  for (const [chance, least, most] of [
    [0, 30_000, 30_000],
    [255, 30_001, 36_000],
  ] as const) {
    const { outbox, sent, pauses, refuse, go } = outboxWith(noise(chance));
    const first = outbox.send(to, id(1), new Uint8Array(1), 60);
    refuse(1, 'relay.rate_limited', 30);
    void outbox.send(to, id(2), new Uint8Array(1)).catch(() => {});
    expect(pauses).toHaveLength(1);
    expect(pauses[0]).toBeGreaterThanOrEqual(least);
    expect(pauses[0]).toBeLessThanOrEqual(most);
    expect(sent).toEqual([{ id: 1, seconds: 60 }]);
    go();
    await expect
      .poll(() => sent.slice(1))
      .toEqual([
        { id: 1, seconds: 60 },
        { id: 2, seconds: 0 },
      ]);
    outbox.accepted({ type: 'accepted', channel: 0, id: id(1) });
    await first;
  }
});

it('a relay that does not say how long is waited for all the same', () => {
  const { outbox, pauses, refuse } = outboxWith(noise(0));
  void outbox.send(to, id(1), new Uint8Array(1));
  refuse(1, 'relay.rate_limited', 0);
  expect(pauses).toEqual([2_000]);
});

it('other refusals come out with their code and the time that was said', async () => {
  const { outbox, refuse } = outboxWith(noise(0));
  for (const [n, [code, retry]] of (
    [
      ['relay.storage_full', 15],
      ['relay.not_reachable', 0],
    ] as const
  ).entries()) {
    const sending = outbox.send(to, id(n), new Uint8Array(1));
    refuse(n, code, retry);
    const error = await sending.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code });
    expect(toldToWait(error)).toBe(retry * 1_000);
  }
});
