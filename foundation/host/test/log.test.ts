import { describe, expect, it } from 'vitest';
import { createLog, type LogFields } from '../src/index.ts';
import { allowed } from '../src/log/fields.ts';

describe('a log line', () => {
  it('is JSON with the event, the allowed fields and the time of the clock', () => {
    const lines: string[] = [];
    const log = createLog({ service: 'relay', clock: () => 12, to: { write: (line) => void lines.push(line) } });
    log.event('mail.stored', { bytes: 5, device: 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK' });
    log.warn('hello.refused', { code: 'relay.bad_hello' });
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { level: 'info', time: 12, service: 'relay', event: 'mail.stored', bytes: 5, device: 'z6MkhaXgBZ' },
      { level: 'warn', time: 12, service: 'relay', event: 'hello.refused', code: 'relay.bad_hello' },
    ]);
  });

  it.each([
    ['a field that is not on the list', { token: 'abc' }],
    ['an inherited name', { constructor: 'x', toString: 'y' }],
    ['text', { reason: 'the user said hello' }],
    ['JSON', { code: '{"secret":1}' }],
    ['an object', { count: { secret: 1 } }],
    ['bytes', { owner: new Uint8Array(3) }],
    ['what is not a number', { bytes: '12', ms: Number.NaN }],
    ['what is too long', { route: 'x'.repeat(81) }],
    ['a name in the place of an address', { address: 'box.example.org' }],
  ])('withholds %s, and says how many', (_name, fields) => {
    expect(allowed(fields as LogFields)).toEqual({ withheld: Object.keys(fields).length });
  });

  it('shortens ids and addresses', () => {
    expect(allowed({ request: 'a'.repeat(43), address: '203.0.113.7' })).toEqual({
      request: 'a'.repeat(10),
      address: '203.0.113.0/24',
    });
    expect(allowed({ address: '2001:db8:1:2::/64' })).toEqual({ address: '2001:db8:1:2::/64' });
  });
});
