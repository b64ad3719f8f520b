import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePolicy, maxPolicyBytes, maxPolicyRules, personalPolicy } from '../src/index.ts';

const all = 'permit (principal, action, resource);';
const refusal = (text: string): unknown => {
  try {
    compilePolicy(text);
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return 'compiled';
};

describe('compilePolicy', () => {
  it('keeps rules in the order of the text, also past ten', () => {
    const text = Array.from({ length: 12 }, (_, i) => `@id("r-${i}") ${all}`).join('\n');
    expect(compilePolicy(text).rules.map(({ id }) => id)).toEqual(Array.from({ length: 12 }, (_, i) => `r-${i}`));
  });

  it('reads annotations', () => {
    const text = `@id("a") @code("trip.ok") @decision("ask") @approvals("2") @budget("meals 50.00 EUR per day") ${all}`;
    expect(compilePolicy(text).rules[0]).toMatchObject({
      id: 'a',
      code: 'trip.ok',
      approvals: 2,
      budget: { name: 'meals' },
    });
    expect(compilePolicy(text).budgets).toHaveLength(1);
  });

  it('knows strings and comments from rules', () => {
    const text = `// a; "comment" (\n@note("a; \\" (") permit (principal, action, resource) when { resource.name == "x;(" }; // end ;`;
    expect(compilePolicy(text).rules).toHaveLength(1);
    expect(compilePolicy('').rules).toHaveLength(0);
  });

  it.each([
    ['a rule without end', 'permit (principal, action, resource)'],
    ['no Cedar', 'allow everything;'],
    ['a template', 'permit (principal == ?principal, action, resource);'],
    ['a rule after the last end', `${all} forbid (principal, action, resource)`],
    ['a hidden direction override', `@note("\u202e") ${all}`],
    ['a control character', `\u0000${all}`],
    ['a lone surrogate', `@note("\ud800") ${all}`],
    ['a duplicate annotation', `@id("a") @id("b") ${all}`],
    ['too many bytes', `// ${'x'.repeat(maxPolicyBytes)}`],
    ['too many bytes in few characters', `// ${'é'.repeat(maxPolicyBytes / 2)}`],
    ['too many rules', all.repeat(maxPolicyRules + 1)],
    ['too deep', `permit (principal, action, resource) when { ${'('.repeat(41)}true${')'.repeat(41)} };`],
    ['too long', `permit (principal, action, resource) when { 1${' + 1'.repeat(300)} == 1 };`],
  ])('refuses %s as malformed', (_, text) => expect(refusal(text)).toBe('policy.malformed'));

  it.each([
    ['a misspelt annotation, which would turn a question into a yes', `@decison("ask") ${all}`],
    ['an unknown decision', `@decision("maybe") ${all}`],
    ['a question on a forbid', '@decision("ask") forbid (principal, action, resource);'],
    ['a code that is none', `@code("Nope") ${all}`],
    ['an annotation without value', `@id ${all}`],
    ['approvals without a question', `@approvals("2") ${all}`],
    ['no approvals', `@decision("ask") @approvals("0") ${all}`],
    ['a budget that is none', `@budget("meals") ${all}`],
    ['two rules of one name', `@id("a") ${all} @id("a") ${all}`],
    ['two budgets of one name', `@budget("m 1.00 EUR per day") ${all} @budget("m 2.00 EUR per day") ${all}`],
    ['an attribute that is not there', 'permit (principal, action, resource) when { resource.colour == "red" };'],
    ['an attribute that may be missing', 'permit (principal, action, resource) when { context.amount.units < 5 };'],
    ['a type that does not fit', 'permit (principal, action, resource) when { context.approvals == "two" };'],
    ['an unknown kind of principal', 'permit (principal is Robot, action, resource);'],
    ['an operation that cannot be one', 'permit (principal, action == Action::"Use It", resource);'],
  ])('refuses %s as invalid', (_, text) => expect(refusal(text)).toBe('policy.invalid'));

  it('names the place of an error', () => {
    expect(() =>
      compilePolicy(`${all}\n\n// é\npermit (principal, action, resource) when { resource.colour == "x" };`),
    ).toThrowError(/line 4, column 4\d/);
    expect(() => compilePolicy(`${all}\npermit (principal,, resource);`)).toThrowError(/line 2, column 1\d/);
  });

  it('never throws anything but its codes, for text made of pieces of policies', () => {
    const piece = fc.constantFrom(
      'permit',
      'forbid',
      '(',
      ')',
      '{',
      '}',
      '[',
      ']',
      ';',
      ',',
      'principal',
      'action',
      'resource',
      'context',
      'when',
      'unless',
      '==',
      '&&',
      '||',
      '!',
      '-',
      '+',
      '*',
      '.',
      'has',
      'like',
      'is',
      'in',
      'if',
      'then',
      'else',
      'true',
      '"a*"',
      '1',
      '9223372036854775807',
      '99999999999999999999',
      'amount',
      'units',
      '@id("x")',
      '@',
      '"',
      '\\',
      '//',
      '\n',
      'Action::"secret.use"',
      'datetime("2026-01-01")',
      'ip("::1")',
      'decimal("1.0")',
      '\u{1f600}',
      '?principal',
      'name',
      'hasTag',
      'getTag',
      'contains',
      `${all}\n`,
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 60 }).map((p) => p.join(' ')),
      fc.string({ maxLength: 200, unit: 'binary' }),
    );
    fc.assert(
      fc.property(text, (input) => {
        expect(refusal(input)).toMatch(/^(compiled|policy\.(malformed|invalid|bad_amount))$/);
      }),
      { numRuns: 600 },
    );
  });

  it('never throws anything but its codes, for a policy with one character changed', () => {
    fc.assert(
      fc.property(
        fc.nat(personalPolicy.length - 1),
        fc.string({ minLength: 0, maxLength: 2, unit: 'grapheme' }),
        (at, change) => {
          const text = personalPolicy.slice(0, at) + change + personalPolicy.slice(at + 1);
          expect(refusal(text)).toMatch(/^(compiled|policy\.(malformed|invalid|bad_amount))$/);
        },
      ),
      { numRuns: 150 },
    );
  });
});
