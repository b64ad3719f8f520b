import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeClientFrame, decodeHostFrame, encodeClientFrame, encodeHostFrame } from '../src/shell/frames.ts';

const bytes = fc.uint8Array({ maxLength: 200 });
const side = fc.integer({ min: 1, max: 1000 });

test('what a client says reads as it was written', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.record({ type: fc.constant('input' as const), bytes }),
        fc.record({ type: fc.constant('resize' as const), columns: side, rows: side }),
        fc.constant({ type: 'inputEnd' as const }),
        fc.record({
          type: fc.constant('start' as const),
          command: fc.option(fc.string({ minLength: 1, unit: 'grapheme' })),
          terminal: fc.option(fc.record({ columns: side, rows: side, term: fc.constant('xterm-256color') })),
        }),
      ),
      (frame) => {
        const message = encodeClientFrame(frame);
        expect(decodeClientFrame(message)).toEqual(frame);
      },
    ),
  );
});

test('what a host says reads as it was written', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.record({ type: fc.constantFrom('output' as const, 'errors' as const), bytes }),
        fc.record({ type: fc.constant('exit' as const), code: fc.nat(255), signal: fc.constantFrom(null, 'SIGHUP') }),
        fc.constant({ type: 'refused' as const, code: 'shell.not_permitted' }),
      ),
      (frame) => {
        expect(decodeHostFrame(encodeHostFrame(frame))).toEqual(frame);
      },
    ),
  );
});

test.each([
  ['nothing', []],
  ['an unknown type', [9]],
  ['a host frame', [65, 1]],
  ['half a size', [3, 0, 80]],
  ['a terminal without columns', [3, 0, 0, 0, 24]],
  ['a terminal too wide', [3, 255, 255, 0, 24]],
  ['content after the end of input', [4, 0]],
  ['a start that is no JSON', [1, 0x7b]],
])('a client that sends %s is refused', (_what, message) => {
  expect(() => decodeClientFrame(new Uint8Array(message))).toThrow(
    expect.objectContaining({ code: 'session.bad_record' }),
  );
});

test('fuzz: what fails has a code', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (message) => {
      for (const decode of [decodeClientFrame, decodeHostFrame]) {
        try {
          decode(message);
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^(session|crypto)\./) });
        }
      }
    }),
    { numRuns: 2000 },
  );
});
