import { defineErrors } from './define.ts';

/** Codes of policy and money. */
export const policyErrors = defineErrors({
  'policy.malformed': {
    status: 400,
    exit: 2,
    title: 'The policy does not parse.',
    hint: 'Run `caponier policy check` for the place.',
  },
  'policy.invalid': {
    status: 400,
    exit: 2,
    title: 'The policy does not fit the schema.',
    hint: 'Run `caponier policy check` for the place.',
  },
  'policy.denied': { status: 403, exit: 5, title: 'The policy of the owner forbids this.', hint: 'Ask the owner.' },
  'policy.no_rule': { status: 403, exit: 5, title: 'No rule of the policy allows this.', hint: 'Ask the owner.' },
  'policy.error': {
    status: 403,
    exit: 5,
    title: 'The policy could not be evaluated, so the answer is no.',
    hint: 'The owner should check the policy: a rule failed.',
  },
  'policy.bad_amount': {
    status: 400,
    exit: 2,
    title: 'The amount is not exact money.',
    hint: 'Write a decimal with the digits of its currency, like 12.50 EUR.',
  },
  'policy.bad_facts': {
    status: 400,
    exit: 5,
    title: 'The facts of the decision are not well formed.',
    hint: 'Ask for the file again.',
  },
  'budget.wrong_currency': {
    status: 403,
    exit: 5,
    title: 'The budget is in another currency, or the request names no amount.',
    hint: 'Name an amount in the currency of the budget.',
  },
  'budget.exceeded': {
    status: 403,
    exit: 5,
    title: 'The budget does not suffice.',
    hint: 'Wait for the next period, or ask the owner.',
  },
});
