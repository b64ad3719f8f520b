import { fail, type Payload } from '@caponier/protocol';
import type { Budget } from './budget.ts';

/**
 * Everything a decision depends on beside the policy text, as one JSON object. It goes, salted and digested, into the
 * gate's event; a capsule carries it, and a stranger evaluates again. All of it but `time`, `custody` and `spent` follows
 * from signed statements: `policyFacts` says how, for gate and verifier alike. Those three are the gate's word.
 */
export interface PolicyFacts {
  readonly v: 1;
  readonly owner: string;
  /** Who asks. `owner` is another than the one above where a grant is given to a contact. */
  readonly device: {
    readonly key: string;
    readonly owner: string;
    readonly name: string;
    readonly role: 'controller' | 'member';
  };
  /** Null where the device asks for its person. */
  readonly agent: string | null;
  /** The label of the grant that covers the request. */
  readonly grant: string;
  readonly class: string;
  readonly op: string;
  readonly resource: string;
  readonly purpose: string;
  readonly amount: { readonly units: number; readonly currency: string } | null;
  readonly call: CallFacts;
  /** Seconds since the epoch, by the gate's clock. */
  readonly time: number;
  /** Different approvers whose `allow` for this request counts. */
  readonly approvals: number;
  readonly custody: 'same-user' | 'other-user' | 'other-machine' | 'other-operator';
  /** For each budget of the policy, in its order: smallest units taken in the current period, before this request. */
  readonly spent: readonly { readonly budget: string; readonly units: number }[];
}

/** What the body of a request says about the outside; null where it says nothing. */
export interface CallFacts {
  readonly method: string | null;
  readonly host: string | null;
  readonly payee: string | null;
}

/** Facts that come from elsewhere than the request. */
export interface FactSources {
  /** The enrolled device. */
  readonly device: { readonly did: string; readonly name: string; readonly role: 'controller' | 'member' };
  readonly grant: { readonly label: string; readonly to: { readonly owner: string | null } };
  /** The request's body, already checked against its digest; null where it has none. */
  readonly body: Uint8Array | null;
  readonly time: number;
  readonly approvals: number;
  readonly custody: PolicyFacts['custody'];
  readonly spent: (budget: Budget) => number;
  readonly budgets: readonly Budget[];
}

/** What the facts take from the request's payload. */
export type RequestFacts = Pick<
  Payload<'request'>,
  'owner' | 'agent' | 'class' | 'op' | 'resource' | 'purpose' | 'amount'
>;

/** The facts of one request. */
export function policyFacts(request: RequestFacts, from: FactSources): PolicyFacts {
  return {
    v: 1,
    owner: request.owner,
    device: {
      key: from.device.did,
      owner: from.grant.to.owner ?? request.owner,
      name: from.device.name,
      role: from.device.role,
    },
    agent: request.agent,
    grant: from.grant.label,
    class: request.class,
    op: request.op,
    resource: request.resource,
    purpose: request.purpose,
    amount: request.amount && { units: request.amount.units, currency: request.amount.currency },
    call: callFacts(from.body),
    time: from.time,
    approvals: from.approvals,
    custody: from.custody,
    spent: from.budgets.map((budget) => ({ budget: budget.name, units: from.spent(budget) })),
  };
}

/** Longest method or payee, and longest address, taken from a body. */
const maxFactLength = 256;
const maxUrlLength = 2048;

/**
 * Reads `method`, `url` (its host) and `payee` from a body in JSON, as every worker reads them. A body of another form, or a
 * member that is no text, says nothing, and no worker takes it for one of these. Throws `policy.bad_facts` for a text that
 * is too long or not Unicode: left out, it would slip past a rule that forbids.
 */
export function callFacts(body: Uint8Array | null): CallFacts {
  const nothing: CallFacts = { method: null, host: null, payee: null };
  if (!body) return nothing;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return nothing;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return nothing;
  const { method, url, payee } = value as Record<string, unknown>;
  return { method: factText(method), host: hostOf(factText(url, maxUrlLength)), payee: factText(payee) };
}

function hostOf(url: string | null): string | null {
  return url !== null && URL.canParse(url) ? new URL(url).hostname : null;
}

function factText(value: unknown, most = maxFactLength): string | null {
  if (typeof value !== 'string' || value.length === 0) return null;
  if (value.length > most || !value.isWellFormed()) throw fail('policy.bad_facts', 'a text of the body');
  return value;
}

/** The one text of facts: members in the order of `PolicyFacts`, nothing else. */
export function canonicalFacts(facts: PolicyFacts): string {
  const { device, amount, call } = facts;
  return JSON.stringify({
    v: facts.v,
    owner: facts.owner,
    device: { key: device.key, owner: device.owner, name: device.name, role: device.role },
    agent: facts.agent,
    grant: facts.grant,
    class: facts.class,
    op: facts.op,
    resource: facts.resource,
    purpose: facts.purpose,
    amount: amount && { units: amount.units, currency: amount.currency },
    call: { method: call.method, host: call.host, payee: call.payee },
    time: facts.time,
    approvals: facts.approvals,
    custody: facts.custody,
    spent: facts.spent.map(({ budget, units }) => ({ budget, units })),
  });
}

/** Longest canonical text of facts. */
export const maxFactsBytes = 16 * 1024;

/** Reads facts from their canonical text, and only from that. Throws `policy.bad_facts`. */
export function parseFacts(text: string): PolicyFacts {
  if (text.length > maxFactsBytes) throw fail('policy.bad_facts', 'too large');
  let facts: PolicyFacts;
  try {
    facts = JSON.parse(text) as PolicyFacts;
    if (!wellFormed(facts) || canonicalFacts(facts) !== text) throw new Error('not canonical');
  } catch (error) {
    throw fail('policy.bad_facts', 'not the canonical form', error);
  }
  return facts;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.isWellFormed();
const isTextOrNull = (value: unknown): boolean => value === null || isText(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Latest time that a Cedar datetime and a statement share: the end of the year 9999. */
const lastSecond = 253_402_300_799;

/** Types and ranges of every member; `evaluate` asks this too, since TypeScript does not stand at run time. */
export function wellFormed(facts: PolicyFacts): boolean {
  const { device, amount, call } = facts;
  return (
    facts.v === 1 &&
    [facts.owner, facts.grant, facts.class, facts.op, facts.resource, facts.purpose].every(isText) &&
    [device.key, device.owner, device.name].every(isText) &&
    (device.role === 'controller' || device.role === 'member') &&
    [facts.agent, call.method, call.host, call.payee].every(isTextOrNull) &&
    (amount === null || (isCount(amount.units) && isText(amount.currency))) &&
    isCount(facts.time) &&
    facts.time <= lastSecond &&
    isCount(facts.approvals) &&
    ['same-user', 'other-user', 'other-machine', 'other-operator'].includes(facts.custody) &&
    Array.isArray(facts.spent) &&
    facts.spent.every((entry) => isText(entry.budget) && isCount(entry.units))
  );
}
