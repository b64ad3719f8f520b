import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { compilePolicy, evaluate } from '../src/index.ts';
import { factsOf } from './facts.ts';

const text = readFileSync(new URL('../../../docs/policy.md', import.meta.url), 'utf8');
const [first, second] = [...text.matchAll(/```cedar\n([^`]*)```/g)].map((match) => compilePolicy(match[1] ?? ''));

it('the examples of docs/policy.md do what they say', () => {
  if (!first || !second) throw new Error('the examples are gone');
  const pay = {
    op: 'order.pay',
    class: 'order',
    amount: { units: 2000, currency: 'EUR' },
    spent: [{ budget: 'meals', units: 0 }],
  };
  const noon = Date.UTC(2030, 0, 1, 12) / 1000;
  expect(evaluate(first, factsOf({ spent: pay.spent })).rule).toBe('secrets-ask');
  expect(evaluate(first, factsOf({ ...pay, time: noon })).budget?.after).toBe(3000);
  expect(evaluate(first, factsOf({ ...pay, time: noon - 9 * 3600 })).code).toBe('office.closed');
  expect(evaluate(first, factsOf({ ...pay, time: noon, amount: { units: 2001, currency: 'EUR' } })).code).toBe(
    'policy.no_rule',
  );
  const controller = { agent: null, device: { ...factsOf().device, role: 'controller' as const } };
  const to = (host: string) =>
    evaluate(second, factsOf({ ...controller, call: { method: 'GET', host, payee: null } })).rule;
  expect(to('api.github.com')).toBe('own-hands');
  expect(to('evil.example')).toBe('github-only');
});
