import type { Grant, OwnerView } from '@caponier/verify';
import type { GrantMembers } from '../owner/types.ts';

/** Another owner whose devices and agents may send mail here: a grant says so, and its label is the name. */
export interface Contact {
  readonly name: string;
  readonly owner: string;
  readonly grant: string;
}

const mailClass = 'mail';
const mailOp = 'mail.send';

/** The grant that makes a contact. */
export function mailGrant(owner: string, name: string): GrantMembers {
  return {
    label: name,
    to: { owner, agents: ['*@*'], devices: ['*'] },
    decides: 'broker',
    class: mailClass,
    ops: [mailOp],
    resources: ['*'],
    purpose: '',
    ceilings: [],
    approvals: { k: 0, from: [] },
    exp: null,
  };
}

/** Contacts in force, each owner once. `now` in milliseconds. */
export function contactsOf(view: OwnerView, now: number): Contact[] {
  const found = new Map<string, Contact>();
  for (const grant of view.grants()) {
    const { owner } = grant.to;
    if (owner === null || !letsMail(grant, now)) continue;
    found.set(owner, { name: nameOf(grant.label, owner), owner, grant: grant.id });
  }
  return [...found.values()];
}

function letsMail(grant: Grant, now: number): boolean {
  return grant.class === mailClass && grant.ops.includes(mailOp) && (grant.exp === null || now < grant.exp * 1000);
}

/** A label that is no name still has to be told apart from others. */
function nameOf(label: string, owner: string): string {
  return /^[a-z0-9][a-z0-9._-]{0,31}$/.test(label) ? label : owner.slice(0, 8).toLowerCase();
}
