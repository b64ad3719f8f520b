import type { Finding } from '../verdict.ts';
import { apply, type Rule } from './rule.ts';

/** What the personal-data library misses, as tried against it. */
const rules: readonly Rule[] = [
  // E.164, as people write it: at most 15 digits with a few separators.
  { type: 'contact.phone', find: /(?<![\w+])\+\d(?:[ ().-]{0,2}\d){7,14}(?!\d)/g },
  { type: 'identity.passport', find: /\bpassport\b[\w ]{0,16}?[:#]?\s{0,2}[A-Z0-9]{0,2}\d{6,9}\b/gi },
  {
    type: 'health.condition',
    find: /\b(?:diagnosed with|diagnosis of|suffers from|prescribed|tested positive|hiv[- ]positive|chemotherapy|miscarriage)\b/gi,
  },
];

export function people(text: string): Finding[] {
  return apply(rules, text);
}
