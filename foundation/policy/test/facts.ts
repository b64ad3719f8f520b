import type { PolicyFacts } from '../src/index.ts';

/** Facts of an ordinary request: an agent wants to use a token. */
export function factsOf(change: Partial<PolicyFacts> = {}): PolicyFacts {
  return {
    v: 1,
    owner: 'o'.repeat(43),
    device: { key: 'did:key:z6MkBox', owner: 'o'.repeat(43), name: 'box', role: 'member' },
    agent: 'claude@box',
    grant: 'secrets',
    class: 'secret',
    op: 'secret.use',
    resource: 'github',
    purpose: 'open a pull request',
    amount: null,
    call: { method: null, host: null, payee: null },
    time: 1_780_000_000,
    approvals: 0,
    custody: 'same-user',
    spent: [],
    ...change,
  };
}
