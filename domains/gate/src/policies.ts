import { utf8 } from '@caponier/crypto';
import { compilePolicy, type Policy } from '@caponier/policy';
import { checkBody, fail, type permitWire } from '@caponier/protocol';
import type { DecisionLedger } from '@caponier/store';
import type { OwnerView } from '@caponier/verify';
import { MAX_COMPILED } from './limits.ts';

/**
 * Texts of policies. The owner's chain carries a salted digest of the text in force; the text itself comes here, from
 * anybody: it is the digest that says whose it is, so nothing else is stored and a stranger can add nothing.
 */
export class Policies {
  readonly #ledger: DecisionLedger;
  /** By id of the statement, the least recently used first. */
  readonly #compiled = new Map<string, Policy>();

  constructor(ledger: DecisionLedger) {
    this.#ledger = ledger;
  }

  /**
   * Keeps the text of the policy in force. Throws `gate.other_policy` where it is not that, `policy.malformed`,
   * `policy.invalid`, `policy.bad_amount` where it could never be evaluated.
   */
  async keep(view: OwnerView, { policy, text }: permitWire.PolicyRequest): Promise<void> {
    const current = view.policy;
    if (current?.id !== policy) throw fail('gate.other_policy', 'not the policy in force');
    try {
      checkBody(utf8(text), current.body);
    } catch (cause) {
      throw fail('gate.other_policy', 'another text', cause);
    }
    this.#remember(policy, compilePolicy(text));
    await this.#ledger.keepPolicy({ policy, text });
  }

  /** The policy in force, compiled. Throws `gate.no_policy`. */
  async get(view: OwnerView): Promise<{ readonly id: string; readonly policy: Policy }> {
    const id = view.policy?.id;
    if (id === undefined) throw fail('gate.no_policy', 'the owner has named none');
    const known = this.#compiled.get(id);
    if (known) {
      this.#remember(id, known);
      return { id, policy: known };
    }
    const text = await this.#ledger.policy(id);
    if (text === undefined) throw fail('gate.no_policy', 'its text was not sent');
    const policy = compilePolicy(text);
    this.#remember(id, policy);
    return { id, policy };
  }

  #remember(id: string, policy: Policy): void {
    this.#compiled.delete(id);
    if (this.#compiled.size >= MAX_COMPILED) this.#compiled.delete(this.#compiled.keys().next().value as string);
    this.#compiled.set(id, policy);
  }
}
