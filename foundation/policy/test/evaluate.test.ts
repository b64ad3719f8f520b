import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  callFacts,
  canonicalFacts,
  compilePolicy,
  evaluate,
  type PolicyFacts,
  parseFacts,
  policyFacts,
  withApprovals,
} from '../src/index.ts';
import { factsOf } from './facts.ts';

const decide = (text: string, change: Partial<PolicyFacts> = {}) => evaluate(compilePolicy(text), factsOf(change));
const all = 'permit (principal, action, resource)';
const eur = (units: number) => ({ units, currency: 'EUR' });

describe('evaluate', () => {
  it('denies what no rule names', () => {
    expect(decide('')).toMatchObject({ decision: 'deny', code: 'policy.no_rule', rule: '', rules: [] });
    expect(decide('permit (principal is Device, action, resource);')).toMatchObject({ code: 'policy.no_rule' });
  });

  it('allows with the code and name of the first rule that matches', () => {
    expect(
      decide(`${all} when { resource.name == "x" }; @id("b") @code("b.ok") ${all}; @id("c") ${all};`),
    ).toMatchObject({
      decision: 'allow',
      code: 'b.ok',
      rule: 'b',
      rules: ['b', 'c'],
    });
    expect(decide(`${all};`)).toMatchObject({ code: 'policy.allowed', rule: 'rule1' });
  });

  it('lets forbid win, and name the code', () => {
    expect(
      decide(
        `${all}; @id("no") @code("trip.closed") forbid (principal, action, resource); forbid (principal, action, resource);`,
      ),
    ).toMatchObject({
      decision: 'deny',
      code: 'trip.closed',
      rule: 'no',
      rules: ['no', 'rule3'],
    });
    expect(decide('forbid (principal, action, resource);').code).toBe('policy.denied');
  });

  it('denies when a forbid fails to evaluate: Cedar alone would skip it and allow', () => {
    const text = `${all}; forbid (principal, action, resource) when { context.approvals * 9223372036854775807 > 5 };`;
    expect(decide(text, { approvals: 3 })).toMatchObject({ decision: 'deny', code: 'policy.error' });
    expect(decide(text, { approvals: 0 })).toMatchObject({ decision: 'allow' });
  });

  it('denies when a permit fails to evaluate, even where another would allow', () => {
    expect(decide(`${all}; ${all} when { context.approvals + 9223372036854775807 > 5 };`, { approvals: 3 }).code).toBe(
      'policy.error',
    );
  });

  it.each([
    ['another version', { v: 2 as 1 }],
    ['an amount above 2^53', { amount: eur(2 ** 53) }],
    ['a broken amount', { amount: eur(1.5) }],
    ['a negative amount', { amount: eur(-1) }],
    ['no time', { time: Number.NaN }],
    ['a time no calendar has', { time: 10 ** 15 }],
    ['a lone surrogate', { purpose: '\ud800' }],
    ['an unknown role', { device: { key: 'k', owner: 'o', name: 'n', role: 'root' as 'member' } }],
    ['approvals that are no count', { approvals: -1 }],
    ['a missing member', { call: undefined as never }],
  ])('denies facts with %s', (_, change) =>
    expect(decide(`${all};`, change)).toMatchObject({ decision: 'deny', code: 'policy.error' }),
  );

  it('asks until the approvals are there', () => {
    const text = `@decision("ask") @approvals("2") ${all};`;
    expect(decide(text, { approvals: 1 })).toMatchObject({ decision: 'ask', code: 'gate.ask', approvals: 2 });
    expect(decide(text, { approvals: 2 })).toMatchObject({ decision: 'allow', code: 'policy.allowed', approvals: 0 });
  });

  it('does not ask where another rule allows, whatever their order', () => {
    const [ask, allow] = [`@decision("ask") ${all};`, `@id("plain") ${all};`];
    expect(decide(ask + allow)).toMatchObject({ decision: 'allow', rule: 'plain' });
    expect(decide(allow + ask)).toMatchObject({ decision: 'allow', rule: 'plain' });
  });

  it('approvals do not lift a forbid', () => {
    expect(decide(`@decision("ask") ${all}; forbid (principal, action, resource);`, { approvals: 8 }).decision).toBe(
      'deny',
    );
  });

  describe('names operations', () => {
    const is = (head: string, op: string) =>
      decide(`permit (principal, ${head}, resource);`, { op }).decision === 'allow';
    it('by themselves', () => {
      expect(is('action == Action::"secret.use"', 'secret.use')).toBe(true);
      expect(is('action == Action::"secret.use"', 'secret.reveal')).toBe(false);
      expect(is('action == Action::"use"', 'use')).toBe(true);
      expect(is('action == Action::"use"', 'use.more')).toBe(false);
    });
    it('by their first word', () => {
      for (const op of ['secret.use', 'secret.other', 'secret'])
        expect(is('action in Action::"secret"', op)).toBe(true);
      for (const op of ['secrets.use', 'memory.get', 'use']) expect(is('action in Action::"secret"', op)).toBe(false);
    });
    it('in lists and conditions, and as text', () => {
      expect(is('action in [Action::"memory", Action::"secret.use"]', 'memory.get')).toBe(true);
      expect(decide(`${all} when { action == Action::"memory.get" };`, { op: 'memory.get' }).decision).toBe('allow');
      expect(decide(`${all} when { context.operation like "memory.*" };`, { op: 'memory.get' }).decision).toBe('allow');
    });
  });

  it('sees who, what and when', () => {
    const holds = (condition: string, change: Partial<PolicyFacts> = {}) =>
      decide(`${all} when { ${condition} };`, change).decision === 'allow';
    expect(holds('principal == Agent::"claude@box"')).toBe(true);
    expect(holds('principal is Agent && principal.name like "claude@*"')).toBe(true);
    expect(holds(`principal in Device::"did:key:z6MkBox" && principal in Owner::"${'o'.repeat(43)}"`)).toBe(true);
    expect(holds('principal is Device && principal.role == "member" && principal.name == "box"', { agent: null })).toBe(
      true,
    );
    expect(holds('principal is Device')).toBe(false);
    expect(holds('resource == Resource::"github" && resource.class == "secret" && context.grant == "secrets"')).toBe(
      true,
    );
    expect(
      holds('resource has host && resource.host == "api.github.com"', {
        call: { method: 'GET', host: 'api.github.com', payee: null },
      }),
    ).toBe(true);
    expect(holds('resource has host')).toBe(false);
    expect(holds('context.time < datetime("2026-12-31") && context.time.toTime() > duration("1h")')).toBe(true);
    expect(
      holds('context has amount && context.amount.currency == "EUR" && context.amount.units <= 9007199254740991', {
        amount: eur(Number.MAX_SAFE_INTEGER),
      }),
    ).toBe(true);
    expect(holds('context.custody == "other-user"', { custody: 'other-user' })).toBe(true);
  });

  it('does not take an agent of a contact for one of its own that has the same name', () => {
    const stranger = { device: { ...factsOf().device, owner: 's'.repeat(43) } };
    for (const condition of [
      'principal == Agent::"claude@box"',
      'principal is Agent && principal.name like "claude@*"',
    ]) {
      expect(decide(`${all} when { ${condition} };`).decision).toBe('allow');
      expect(decide(`${all} when { ${condition} };`, stranger).decision).toBe('deny');
    }
    expect(decide(`${all} when { principal in Owner::"${'s'.repeat(43)}" };`, stranger).decision).toBe('allow');
  });

  it('is not injectable: facts are values, never policy', () => {
    const text = `${all} when { resource.name == "x" };`;
    expect(decide(text, { resource: '" || true //' }).decision).toBe('deny');
    expect(decide(`${all} when { principal == Agent::"a@b" };`, { agent: '__entity' }).decision).toBe('deny');
  });
});

describe('withApprovals', () => {
  const answers = { denied: false, needed: 0, counting: 0 };
  it('turns a yes into a question until the approvals of the grant are there', () => {
    const yes = decide(`${all};`);
    expect(withApprovals(yes, answers)).toEqual(yes);
    expect(withApprovals(yes, { ...answers, needed: 2, counting: 1 })).toMatchObject({
      decision: 'ask',
      code: 'gate.ask',
      approvals: 2,
    });
    expect(withApprovals(yes, { ...answers, needed: 2, counting: 2 })).toEqual(yes);
  });
  it("lets an approver's no stand above yes and question, and changes no other no", () => {
    for (const text of [`${all};`, `@decision("ask") ${all};`]) {
      expect(withApprovals(decide(text), { ...answers, denied: true })).toMatchObject({
        decision: 'deny',
        code: 'approval.denied',
        rule: 'rule1',
      });
    }
    const no = decide('');
    expect(withApprovals(no, { denied: true, needed: 3, counting: 0 })).toEqual(no);
  });
});

describe('budgets', () => {
  const meals = `@budget("meals 50.00 EUR per day") ${all};`;
  const spent = (units: number) => [{ budget: 'meals', units }];

  it('are taken from, to the last cent', () => {
    expect(decide(meals, { amount: eur(2000), spent: spent(3000) })).toMatchObject({
      decision: 'allow',
      budget: { name: 'meals', currency: 'EUR', before: 2000, after: 0 },
    });
    expect(decide(meals, { amount: eur(2001), spent: spent(3000) })).toMatchObject({
      decision: 'deny',
      code: 'budget.exceeded',
      rule: 'rule1',
      budget: null,
    });
    expect(decide(meals, { amount: eur(1), spent: spent(9000) }).code).toBe('budget.exceeded');
  });

  it('cover only amounts of their currency', () => {
    expect(decide(meals, { spent: spent(0) }).code).toBe('budget.wrong_currency');
    expect(decide(meals, { amount: { units: 1, currency: 'USD' }, spent: spent(0) }).code).toBe(
      'budget.wrong_currency',
    );
  });

  it('fall through to the next rule: small amounts go, larger ones ask', () => {
    const text = `${meals} @id("large") @decision("ask") ${all};`;
    expect(decide(text, { amount: eur(5000), spent: spent(0) })).toMatchObject({ decision: 'allow', rule: 'rule1' });
    expect(decide(text, { amount: eur(5001), spent: spent(0) })).toMatchObject({ decision: 'ask', rule: 'large' });
  });

  it('do not ask a person about what they could not pay', () => {
    expect(decide(`@decision("ask") ${meals}`, { amount: eur(5001), spent: spent(0) }).code).toBe('budget.exceeded');
  });

  it('can be asked about in rules', () => {
    const text = `${meals} @code("meals.last") forbid (principal, action, resource) when { context.left.hasTag("meals") && context.left.getTag("meals") < 1000 };`;
    expect(decide(text, { amount: eur(1), spent: spent(4000) }).decision).toBe('allow');
    expect(decide(text, { amount: eur(1), spent: spent(4001) }).code).toBe('meals.last');
  });

  it('deny when nothing is said about what was spent', () => {
    expect(decide(meals, { amount: eur(1) }).code).toBe('policy.error');
  });

  it('never allow more than is left', () => {
    const compiled = compilePolicy(meals);
    fc.assert(
      fc.property(fc.nat(10_000), fc.nat(10_000), (amount, before) => {
        const { decision, budget } = evaluate(compiled, factsOf({ amount: eur(amount), spent: spent(before) }));
        expect(decision === 'allow').toBe(
          (before <= 5000 && amount + before <= 5000) || (amount === 0 && before > 5000),
        );
        if (budget) expect(budget.before - budget.after).toBe(amount);
      }),
      { numRuns: 200 },
    );
  });
});

describe('facts', () => {
  const word = fc.stringMatching(/^[a-z]{1,8}$/);
  const anyFacts: fc.Arbitrary<PolicyFacts> = fc.record({
    v: fc.constant(1 as const),
    owner: word,
    device: fc.record({
      key: word,
      owner: word,
      name: word,
      role: fc.constantFrom('controller' as const, 'member' as const),
    }),
    agent: fc.option(word),
    grant: word,
    class: word,
    op: word,
    resource: word,
    purpose: fc.string().filter((s) => s.isWellFormed()),
    amount: fc.option(fc.record({ units: fc.maxSafeNat(), currency: word })),
    call: fc.record({ method: fc.option(word), host: fc.option(word), payee: fc.option(word) }),
    time: fc.nat(),
    approvals: fc.nat(),
    custody: fc.constantFrom('same-user' as const, 'other-operator' as const),
    spent: fc.array(fc.record({ budget: word, units: fc.maxSafeNat() }), { maxLength: 3 }),
  });

  it('have one text', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const text = canonicalFacts(facts);
        expect(parseFacts(text)).toEqual(facts);
        const shuffled = Object.fromEntries(Object.entries(facts).reverse()) as unknown as PolicyFacts;
        expect(canonicalFacts(shuffled)).toBe(text);
      }),
    );
  });

  it('are read from no other text', () => {
    const text = canonicalFacts(factsOf());
    for (const bad of [
      '',
      'null',
      '[]',
      '{}',
      ` ${text}`,
      text.replace('"v":1', '"v":1,"w":2'),
      text.replace('"v":1', '"v":1.0'),
      text.replace('"agent"', '"agent":null,"agent"'),
      text.slice(1),
    ]) {
      expect(() => parseFacts(bad)).toThrowError(expect.objectContaining({ code: 'policy.bad_facts' }));
    }
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ maxLength: 1 }), (at, c) => {
        const changed = text.slice(0, at) + c + text.slice(at + 1);
        try {
          expect(canonicalFacts(parseFacts(changed))).toBe(changed);
        } catch (error) {
          expect(error).toMatchObject({ code: 'policy.bad_facts' });
        }
      }),
    );
  });

  it('give the same answer again, from their text', () => {
    const policy = compilePolicy(
      `@budget("m 1.00 EUR per day") ${all} when { context has amount }; @decision("ask") ${all} unless { resource.name like "a*" };`,
    );
    fc.assert(
      fc.property(anyFacts, fc.nat(200), (facts, units) => {
        const whole = { ...facts, spent: [{ budget: 'm', units }] };
        expect(evaluate(policy, parseFacts(canonicalFacts(whole)))).toEqual(evaluate(policy, whole));
      }),
      { numRuns: 100 },
    );
  });

  it('come from request, enrolment and grant', () => {
    const { budgets } = compilePolicy(`@budget("m 1.00 EUR per day") ${all};`);
    const request = {
      aud: 'did:key:a',
      owner: 'o',
      device: 'did:key:d',
      agent: 'claude@box',
      delegations: [],
      grant: 'g',
      class: 'secret',
      op: 'secret.use',
      resource: 'github',
      purpose: 'why',
      amount: eur(5),
      uses: 3,
      body: null,
      iat: 1,
      exp: 2,
      nonce: 'n',
    };
    const facts = policyFacts(request as unknown as Parameters<typeof policyFacts>[0], {
      device: { did: 'did:key:d', name: 'box', role: 'member' },
      grant: { label: 'secrets', to: { owner: null } },
      body: null,
      time: 7,
      approvals: 1,
      custody: 'same-user',
      spent: () => 40,
      budgets,
    });
    expect(facts).toMatchObject({
      device: { key: 'did:key:d', owner: 'o', name: 'box', role: 'member' },
      agent: 'claude@box',
      grant: 'secrets',
      amount: eur(5),
      time: 7,
      spent: [{ budget: 'm', units: 40 }],
    });
    expect(parseFacts(canonicalFacts(facts))).toEqual(facts);
  });

  it('take method, host and payee from a body in JSON, and nothing from any other', () => {
    const of = (body: string) => callFacts(new TextEncoder().encode(body));
    expect(of('{"method":"POST","url":"https://API.github.com:443/x","payee":"acme"}')).toEqual({
      method: 'POST',
      host: 'api.github.com',
      payee: 'acme',
    });
    const nothing = { method: null, host: null, payee: null };
    for (const body of [
      '',
      '{',
      '[]',
      'null',
      '7',
      '{"method":5,"url":"not a url","payee":["x"]}',
      '{"url":"https://"}',
    ])
      expect(of(body)).toEqual(nothing);
    for (const bad of [
      '{"payee":"\\ud800"}',
      `{"payee":"${'x'.repeat(257)}"}`,
      `{"url":"https://a/${'x'.repeat(2049)}"}`,
    ]) {
      expect(() => of(bad)).toThrowError(expect.objectContaining({ code: 'policy.bad_facts' }));
    }
    expect(callFacts(Uint8Array.of(0xff))).toEqual(nothing);
    expect(callFacts(null)).toEqual(nothing);
  });
});
