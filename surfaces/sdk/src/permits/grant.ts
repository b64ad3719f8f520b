import { fail } from '@caponier/protocol';
import { covers, type Grant, matchesAgent, type OwnerView } from '@caponier/verify';

export interface Wanted {
  readonly device: string;
  readonly agent: string | null;
  readonly class: string;
  readonly op: string;
  readonly resource: string;
  readonly purpose: string;
}

/**
 * The grant to ask under: one that covers what is wanted; of several, one that needs no approval, then the newest. It only
 * chooses: broker, gate and worker judge for themselves. `now` in milliseconds. Throws `grant.not_covered`.
 */
export function chooseGrant(view: OwnerView, wanted: Wanted, now: number): Grant {
  const fitting = view.grants().filter((grant) => fits(grant, wanted, now));
  fitting.sort((a, b) => a.approvals.k - b.approvals.k || b.seq - a.seq);
  const [first] = fitting;
  if (!first) throw fail('grant.not_covered', `${wanted.op} ${wanted.resource}`);
  return first;
}

function fits({ to, class: of, ops, resources, purpose, exp }: Grant, wanted: Wanted, now: number): boolean {
  const { agent, device } = wanted;
  const named =
    agent === null
      ? to.devices.some((did) => did === '*' || did === device)
      : to.agents.some((pattern) => matchesAgent(pattern, agent));
  return (
    to.owner === null &&
    named &&
    of === wanted.class &&
    ops.includes(wanted.op) &&
    resources.some((pattern) => covers(pattern, wanted.resource)) &&
    (purpose === '' || wanted.purpose === purpose || wanted.purpose.startsWith(`${purpose}: `)) &&
    (exp === null || now < exp * 1000)
  );
}
