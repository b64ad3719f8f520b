import { CaponierError } from '@caponier/crypto';
import { type Did, fail } from '@caponier/protocol';
import type { Device as Enrolled, OwnerView } from '@caponier/verify';
import { contactsOf } from '../contacts/contacts.ts';
import type { Views } from '../views/views.ts';

/** Where a mail goes: `box`, `claude@box`, contact `bob`, one device of his `bob/box`, his agent `claude@bob/box`. */
export interface Recipient {
  readonly owner: string;
  readonly devices: readonly Enrolled[];
  /** The agent as its device knows it. */
  readonly agent: string | null;
}

const addressForm = /^(?:([a-z0-9][a-z0-9._-]{0,31})@)?([a-z0-9][a-z0-9._-]{0,31})(?:\/([a-z0-9][a-z0-9._-]{0,31}))?$/;

/** Throws `mail.no_recipient`, or why a contact cannot be looked up. */
export function resolveAddress(to: string, views: Views, now: number): Recipient {
  const match = addressForm.exec(to);
  if (!match) throw fail('mail.no_recipient', 'not an address');
  const [, agent, name, device] = match;
  const view = views.get().view;
  const own = device === undefined ? view.deviceByName(name!) : undefined;
  if (own) return { owner: view.id, devices: [own], agent: agent ? `${agent}@${own.name}` : null };
  const contact = contactsOf(view, now).find((c) => c.name === name);
  if (!contact) throw fail('mail.no_recipient', 'no such name');
  const theirs = views.get(contact.owner).view;
  // An agent is on one device: which of a contact's, the address has to say unless there is but one.
  const devices = theirs.devices().filter((d) => device === undefined || d.name === device);
  const [only] = devices;
  if (!only || (agent && devices.length > 1)) throw fail('mail.no_recipient', 'no such device');
  return { owner: contact.owner, devices, agent: agent ? `${agent}@${only.name}` : null };
}

/** A contact, or one of its devices, by name. Throws `mail.no_recipient`, for our own devices, too. */
export function resolveOther(who: string, views: Views, now: number): { owner: string } | { device: Did } {
  const [, agent, name, device] = addressForm.exec(who) ?? [];
  const contact = contactsOf(views.get().view, now).find((c) => c.name === name);
  if (!contact || agent !== undefined) throw fail('mail.no_recipient', 'no such contact');
  if (device === undefined) return { owner: contact.owner };
  const found = views.get(contact.owner).view.deviceByName(device);
  if (!found) throw fail('mail.no_recipient', 'no such device');
  return { device: found.did };
}

/** Who sent a mail, where this owner lets them. */
export interface Sender {
  readonly owner: string;
  readonly device: Enrolled;
  /** The contact's name; null for a device of this owner. */
  readonly contact: string | null;
}

/** As this owner would address the answer. */
export function nameOfSender({ device, contact }: Sender, agent: string | null): string {
  const place = contact ?? device.name;
  if (agent === null) return place;
  const name = agent.slice(0, agent.indexOf('@'));
  return contact === null ? agent : `${name}@${contact}/${device.name}`;
}

/**
 * The device of this key, among our own and those of owners with a grant for mail; not revoked, not frozen, by views that
 * are fresh. Throws `mail.not_allowed`, `owner.frozen`, `owner.stale_view`, `log.*`.
 */
export function resolveSender(did: Did, views: Views, now: number): Sender {
  const view = views.fresh('shell');
  const own = view.device(did);
  if (own) return standing(view, { owner: view.id, device: own, contact: null });
  for (const contact of contactsOf(view, now)) {
    const theirs = viewOf(views, contact.owner);
    const device = theirs?.device(did);
    if (theirs && device) return standing(theirs, { owner: contact.owner, device, contact: contact.name });
  }
  throw fail('mail.not_allowed', 'no device of ours or of a contact');
}

/** One contact whose chain cannot be read must not stop the mail of the others; one that is merely old is waited for. */
function viewOf(views: Views, owner: string): OwnerView | null {
  try {
    return views.fresh('shell', owner);
  } catch (error) {
    if (error instanceof CaponierError && error.code !== 'owner.stale_view') return null;
    throw error;
  }
}

function standing(view: OwnerView, sender: Sender): Sender {
  if (view.frozen(sender.device.did)) throw fail('owner.frozen', 'sender');
  return sender;
}
