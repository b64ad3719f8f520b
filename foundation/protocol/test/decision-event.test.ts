import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DecisionEvent, decodeDecisionEvent, encodeDecisionEvent } from '../src/index.ts';

const id = 'A'.repeat(43);
const examples: DecisionEvent[] = [
  { type: 'refusal', owner: id, request: id, code: 'owner.frozen', at: 7 },
  { type: 'refusals', from: 1, to: 2, counts: [{ code: 'statement.bad_signature', count: 3 }] },
  {
    type: 'outcome',
    owner: id,
    request: id,
    outcome: id,
    result: 'refused',
    returned: { budget: 'meals', units: 5 },
  },
  {
    type: 'decision',
    delegations: [id],
    facts: '{"v":1}',
    permit: {
      aud: 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK' as never,
      owner: id,
      request: id,
      approvals: [],
      decision: 'allow',
      uses: 1,
      code: 'policy.allowed',
      rule: 'r',
      grant: id,
      policy: id,
      budget: { name: 'meals', currency: 'EUR', before: 2, after: 1 },
      custody: 'same-user',
      iat: 1,
      exp: 2,
      nonce: 'A'.repeat(22),
    },
  },
];

describe('decision events', () => {
  it.each(examples)('have one text: $type', (event) => {
    const body = encodeDecisionEvent(event);
    expect(decodeDecisionEvent(body)).toEqual(event);
    const shuffled = Object.fromEntries(Object.entries(event).reverse()) as unknown as DecisionEvent;
    expect(encodeDecisionEvent(shuffled)).toEqual(body);
    expect(() => decodeDecisionEvent(new TextEncoder().encode(JSON.stringify(shuffled)))).toThrowError(
      expect.objectContaining({ code: 'statement.malformed' }),
    );
  });

  it('are read from nothing else, whatever byte changes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...examples.map(encodeDecisionEvent)),
        fc.nat(600),
        fc.integer({ min: 0, max: 255 }),
        (body, at, byte) => {
          const changed = body.slice();
          changed[at % body.length] = byte;
          try {
            expect(encodeDecisionEvent(decodeDecisionEvent(changed))).toEqual(changed);
          } catch (error) {
            expect(error).toMatchObject({ code: 'statement.malformed' });
          }
        },
      ),
      { numRuns: 1000 },
    );
    for (const bad of ['', 'null', '[]', '{}', '{"type":"other"}']) {
      expect(() => decodeDecisionEvent(new TextEncoder().encode(bad))).toThrow();
    }
  });
});
