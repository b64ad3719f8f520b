import type { Custody } from '@caponier/protocol';
import type { CapsuleUnderCheck } from './under-check.ts';

/** What a stranger is told. */

export interface CapsuleReport {
  readonly ok: boolean;
  /** In order, up to the first that failed. */
  readonly checks: readonly { readonly name: string; readonly ok: boolean }[];
  /** The name of the check that failed, and the code with which it did. */
  readonly failed: { readonly check: string; readonly code: string } | null;
  /** What the capsule shows; null where it does not hold. */
  readonly story: CapsuleStory | null;
  /** What nobody has shown, in sentences. */
  readonly notProven: readonly string[];
}

/** Taken from statements that verified, never from what a capsule claims about itself. Times in seconds since the epoch. */
export interface CapsuleStory {
  readonly owner: string;
  /** The agent's name, or the device's where it asked for its person. */
  readonly asker: string;
  readonly class: string;
  readonly op: string;
  readonly resource: string;
  readonly purpose: string;
  readonly grant: string;
  readonly decision: 'allow' | 'deny' | 'ask';
  readonly code: string;
  readonly rule: string;
  /** Names of the approvers that answered. */
  readonly approvers: readonly string[];
  readonly decidedAt: number;
  readonly outcomes: readonly {
    readonly result: 'done' | 'refused' | 'unknown';
    readonly code: string;
    readonly at: number;
  }[];
}

export function storyOf(capsule: CapsuleUnderCheck): CapsuleStory {
  const { request, permit, bundle, view, uses } = capsule;
  const check = capsule.at(permit.payload.iat);
  const { agent, class: of, op, resource, purpose, owner } = request.payload;
  return {
    owner,
    asker: agent ?? check.device.name,
    class: of,
    op,
    resource,
    purpose,
    grant: check.grant.label,
    decision: permit.payload.decision,
    code: permit.payload.code,
    rule: permit.payload.rule,
    approvers: bundle.shownApprovals.map(({ kid }) => view.approver(kid)!.name),
    decidedAt: permit.payload.iat,
    outcomes: uses.map(({ outcome: { payload } }) => ({ result: payload.result, code: payload.code, at: payload.iat })),
  };
}

const custodyWords: Readonly<Record<Custody, string>> = {
  'same-user': 'the same user as the agent',
  'other-user': 'another user of the same machine',
  'other-machine': 'another machine',
  'other-operator': 'another operator',
};

/** What the file cannot show, in this case; a reader should not have to guess it. */
export function notProvenBy(capsule: CapsuleUnderCheck): string[] {
  const { permit, request, trust, content, uses, history } = capsule;
  const { custody, policy, decision } = permit.payload;
  const open: string[] = [
    `the decider's keys are kept by ${custodyWords[custody]}: that is its own claim`,
    trust.k === 1
      ? 'one witness alone saw the log, and it may run beside the registry'
      : `that the ${trust.k} witnesses of the log are independent of each other`,
    'that the owner wrote nothing newer to its chain before the decision, and that nothing was frozen',
    `that the owner's keys were not stolen or changed after ${new Date(history.asOf * 1000).toISOString()}`,
  ];
  if (policy !== null) open.push('the time, and what its budgets had spent before, are the word of the gate');
  if (request.payload.body !== null && content.body === null)
    open.push('the parameters of the request: they are withheld');
  if (decision === 'allow' && uses.length === 0) open.push('whether the permit was used');
  if (uses.length > 0) open.push('what happened outside: the outcome is the word of the worker');
  if (uses.some(({ use }) => use === null)) open.push("the caller's proof of use: it was not handed over");
  if (uses.some(({ shown }) => shown.worker === null)) open.push("that the worker's events are in the log");
  if (uses.some(({ shown, outcome }) => shown.body === null && outcome.payload.body !== null))
    open.push('the answer of the worker: it is withheld');
  return open;
}
