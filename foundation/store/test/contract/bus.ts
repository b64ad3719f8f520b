import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bus, MAX_BUS_MESSAGE } from '../../src/index.ts';
import { utf8 } from './harness.ts';

const settled = () => new Promise((resolve) => setTimeout(resolve, 20));
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

export function busContract(name: string, open: () => Promise<Bus>): void {
  describe(`Bus contract: ${name}`, () => {
    let bus: Bus;
    beforeEach(async () => {
      bus = await open();
    });
    afterEach(() => bus.close());

    it('hands each message of a subject to all its subscribers, in order', async () => {
      const got: string[] = [];
      bus.subscribe('a.b', (message) => void got.push(`1 ${text(message)}`));
      bus.subscribe('a.b', (message) => void got.push(`2 ${text(message)}`));
      bus.subscribe('a', (message) => void got.push(`wrong ${text(message)}`));
      for (const message of ['x', 'y', 'z']) bus.publish('a.b', utf8(message));
      await settled();
      expect(got.filter((line) => line.startsWith('1'))).toEqual(['1 x', '1 y', '1 z']);
      expect(got.filter((line) => line.startsWith('2'))).toEqual(['2 x', '2 y', '2 z']);
      expect(got).toHaveLength(6);
    });

    it('bounds what waits for a slow subscriber, counts what it loses, and spares the others', async () => {
      let release = () => {};
      const gate = new Promise<void>((resolve) => (release = resolve));
      const slow: string[] = [];
      const fast: string[] = [];
      const handler = async (message: Uint8Array) => {
        await gate;
        slow.push(text(message));
      };
      const few = bus.subscribe('a', handler, { maxMessages: 3 });
      const light = bus.subscribe('a', async () => gate, { maxBytes: 4 });
      bus.subscribe('a', (message) => void fast.push(text(message)));
      bus.publish('a', utf8('00'));
      await settled();
      for (let i = 1; i < 10; i++) bus.publish('a', utf8(`0${i}`));
      await settled();
      expect(fast).toHaveLength(10);
      expect(few.drops).toEqual({ too_many_messages: 6, too_many_bytes: 0, handler_failed: 0, closed: 0 });
      expect(light.drops).toMatchObject({ too_many_bytes: 7, too_many_messages: 0 });
      release();
      await settled();
      expect(slow).toEqual(['00', '01', '02', '03']);
    });

    it('survives a handler that throws, and counts it', async () => {
      const subscription = bus.subscribe('a', () => {
        throw new Error('on purpose');
      });
      bus.publish('a', utf8('x'));
      bus.publish('a', utf8('y'));
      await settled();
      expect(subscription.drops.handler_failed).toBe(2);
    });

    it('delivers nothing after close, and says what was lost', async () => {
      let calls = 0;
      const subscription = bus.subscribe('a', () => void calls++);
      bus.publish('a', utf8('x'));
      subscription.close();
      bus.publish('a', utf8('y'));
      await settled();
      expect([calls, subscription.drops.closed]).toEqual([0, 1]);
    });

    it('refuses what is too large, and everything once closed', async () => {
      expect(() => bus.publish('a', new Uint8Array(MAX_BUS_MESSAGE + 1))).toThrow(
        expect.objectContaining({ code: 'store.full' }),
      );
      await bus.close();
      expect(() => bus.publish('a', utf8('x'))).toThrow(expect.objectContaining({ code: 'store.unavailable' }));
      expect(() => bus.subscribe('a', () => {})).toThrow(expect.objectContaining({ code: 'store.unavailable' }));
    });
  });
}
