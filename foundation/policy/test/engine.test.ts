import { describe, expect, it } from 'vitest';
import { compiledOf } from '../src/compile.ts';
import { placeOf, withCedar } from '../src/engine.ts';
import { compilePolicy, evaluate, maxParsedPolicies, maxRuleDepth } from '../src/index.ts';
import { factsOf } from './facts.ts';

const deep = `permit (principal, action, resource) when { ${'('.repeat(500)}true${')'.repeat(500)} };`;

describe('engine', () => {
  it('replaces an instance that trapped: one text cannot end the decisions for all', () => {
    const policy = compilePolicy('permit (principal, action, resource);');
    expect(() => withCedar((cedar) => cedar.policyToJson(deep))).toThrowError(
      expect.objectContaining({ code: 'policy.error' }),
    );
    expect(evaluate(policy, factsOf()).decision).toBe('allow');
    expect(evaluate(compilePolicy('forbid (principal, action, resource);'), factsOf()).decision).toBe('deny');
  });

  it('stays clear of traps at its own bounds', () => {
    const wrap = (open: string, body: string, close: string, n: number) => `${open.repeat(n)}${body}${close.repeat(n)}`;
    const n = maxRuleDepth - 1;
    for (const body of [
      wrap('(', `1${' + 1'.repeat(140)} == 1`, ')', n),
      `${wrap('[', `1${' + 1'.repeat(140)}`, ']', n)} == []`,
      `${wrap('{a: ', `1${' + 1'.repeat(100)}`, '}', n)} == {}`,
      wrap('[1].contains(', '1', ')', n),
      `${'if true then '.repeat(60)}true${' else true'.repeat(60)}`,
      `context.purpose${'.a'.repeat(180)} == 1`,
      `true${' && true'.repeat(180)}`,
      wrap('(', `true${' || true'.repeat(150)}`, ')', n),
    ]) {
      const text = `permit (principal, action, resource) when { ${body} };`;
      try {
        expect(evaluate(compilePolicy(text), factsOf()).code).not.toBe('policy.error');
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^policy\.(invalid|malformed)$/) });
      }
    }
  });

  it('keeps a bounded number of parsed policies, and parses again what it gave up', () => {
    const policies = Array.from({ length: maxParsedPolicies + 10 }, (_, i) =>
      compilePolicy(`permit (principal, action, resource) when { resource.name == "n${i}" };`),
    );
    policies.forEach((policy, i) => {
      expect(evaluate(policy, factsOf({ resource: `n${i}` })).decision).toBe('allow');
    });
    for (const [i, policy] of policies.slice(0, 20).entries()) {
      expect(evaluate(policy, factsOf({ resource: `n${i}` })).decision).toBe('allow');
      expect(evaluate(policy, factsOf({ resource: 'other' })).decision).toBe('deny');
    }
    const names = new Set(policies.map((p) => withCedar((cedar) => placeOf(cedar, compiledOf(p).parsable))));
    expect(names.size).toBeLessThanOrEqual(maxParsedPolicies);
  });
});
