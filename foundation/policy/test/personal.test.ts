import { describe, expect, it } from 'vitest';
import { compilePolicy, evaluate, type PolicyFacts, personalPolicy } from '../src/index.ts';
import { factsOf } from './facts.ts';

describe('the starter policy `personal`', () => {
  const policy = compilePolicy(personalPolicy);
  const decide = (change: Partial<PolicyFacts>) => evaluate(policy, factsOf(change));

  it('asks before a secret is used or shown, whoever asks', () => {
    expect(decide({})).toMatchObject({ decision: 'ask', code: 'gate.ask', rule: 'secrets-ask', approvals: 1 });
    expect(decide({ op: 'secret.reveal' }).decision).toBe('ask');
    expect(decide({ agent: null }).decision).toBe('ask');
    expect(decide({ op: 'secret.put' }).decision).toBe('ask');
    expect(decide({ op: 'anything', class: 'secret' }).decision).toBe('ask');
  });

  it('lets one approval through', () => {
    expect(decide({ approvals: 1 })).toMatchObject({ decision: 'allow', rule: 'secrets-ask' });
  });

  it('lets the person at a controller store, list and delete, but not use or show', () => {
    const own = { agent: null, device: { ...factsOf().device, role: 'controller' as const } };
    for (const op of ['secret.put', 'secret.list', 'secret.delete']) {
      expect(decide({ ...own, op })).toMatchObject({ decision: 'allow', rule: 'own-hands' });
      expect(decide({ agent: null, op }).decision).toBe('ask');
      expect(decide({ ...own, op, device: { ...own.device, owner: 'stranger' } }).decision).toBe('ask');
    }
    expect(decide({ ...own, op: 'secret.use' }).decision).toBe('ask');
  });

  it('asks before money moves', () => {
    const amount = { units: 1, currency: 'EUR' };
    expect(decide({ class: 'tool', op: 'pay', amount })).toMatchObject({ decision: 'ask', rule: 'money-asks' });
  });

  it('lets the rest of what a grant names go ahead', () => {
    expect(decide({ class: 'memory', op: 'memory.get' })).toMatchObject({ decision: 'allow', rule: 'granted' });
  });
});
