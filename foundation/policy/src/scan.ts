import { fail } from '@caponier/protocol';

/** Bytes of a policy text. */
export const maxPolicyBytes = 8 * 1024;
/** Rules of a policy. */
export const maxPolicyRules = 64;
/** Words, strings and signs of one rule. */
export const maxRuleTokens = 400;
/** Depth of brackets in one rule. */
export const maxRuleDepth = 40;

/**
 * Line breaks and tabs are the only control characters, and no character may turn or hide text: an owner signs what
 * they see (compare CVE-2021-42574).
 */
const readable = /^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]*$/u;
const lone = /\p{Surrogate}/u;

const token =
  /(?<space>\s+|\/\/[^\n]*)|"(?:[^"\\]|\\.)*"|(?<open>[([{])|(?<close>[)\]}])|(?<end>;)|[\p{L}\p{N}_]+|./gsu;

/**
 * Splits a policy text after each `;` that stands outside brackets, strings and comments. Cedar parses every piece
 * itself, so a piece split in the wrong place does not parse; what this adds are the bounds.
 *
 * Threat: Cedar's parser and evaluator recurse, and a trap leaves the instance unusable (see `CedarHost.renew`).
 * Measured on 4.13: brackets trap at a depth of 119 or more, chains of operators at 364; a rule of 400 tokens nested 40
 * deep stays under both together. Throws `policy.malformed`.
 */
export function splitRules(text: string): { rules: { text: string; start: number }[]; rest: string } {
  if (text.length > maxPolicyBytes || new TextEncoder().encode(text).length > maxPolicyBytes)
    throw fail('policy.malformed', `more than ${maxPolicyBytes} bytes`);
  if (!readable.test(text) || lone.test(text)) throw fail('policy.malformed', 'control or direction characters');
  const rules: { text: string; start: number }[] = [];
  let start = 0;
  let depth = 0;
  let tokens = 0;
  for (const match of text.matchAll(token)) {
    if (match.groups?.space) continue;
    tokens += 1;
    if (match.groups?.open) depth += 1;
    if (match.groups?.close) depth -= 1;
    if (tokens > maxRuleTokens || depth > maxRuleDepth)
      throw fail('policy.malformed', `rule ${rules.length + 1} is too large or too deep`);
    if (!match.groups?.end || depth !== 0) continue;
    const end = match.index + 1;
    rules.push({ text: text.slice(start, end), start });
    if (rules.length > maxPolicyRules) throw fail('policy.malformed', `more than ${maxPolicyRules} rules`);
    start = end;
    tokens = 0;
  }
  return { rules, rest: text.slice(start) };
}
